import { InputError } from '../core/errors.ts';
import { installTensorflow, type NativeKind } from '../policies/tensor/native/install.ts';
import { probeBackend } from './backends.ts';
import { tell } from './terminal.ts';

/** `doctor --install-tensorflow`: says on stderr what it does. */
export async function installNative(kind: NativeKind): Promise<void> {
  const say = (text: string) => tell(`${text}\n`);
  const folder = await installTensorflow({
    kind,
    onStep: say,
    verify: async (part) => {
      const { available, note } = await probeBackend('tensorflow', { CREDITBENCH_TENSORFLOW: part });
      if (!available) throw new InputError(`--install-tensorflow: what was built does not work (${note})`);
    },
  });
  say(`installed in ${folder}`);
}
