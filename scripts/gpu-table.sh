#!/usr/bin/env bash
# Everything that docs/performance.md says of a GPU, in one command, from a checkout or from the portable bundle:
#   scripts/gpu-table.sh [folder for results]
# BACKEND (default webgpu), PYTHON (default python3; no PyTorch: 'none'), TORCH_DEVICE (default cuda).
set -euo pipefail
out=${1:-gpu-table}
backend=${BACKEND:-webgpu}
python=${PYTHON:-python3}
mkdir -p "$out"
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -x "$here/creditbench" ]; then run=("$here/creditbench"); else run=(node "$here/dist/cli/main.js"); fi
torch=()
if [ "$python" != none ]; then torch=(--torch "$python" --torch-device "${TORCH_DEVICE:-cuda}"); fi
"${run[@]}" doctor --json > "$out/doctor.json" || true
# Speed. Where a case fails, what was measured before it stays in the file.
"${run[@]}" bench train-step decode iteration/search-carl-lite iteration/search-grpo-16 \
  --backend "$backend" "${torch[@]}" --json "$out/speed.json" | tee "$out/speed.txt"
# The same learning curve as on the processor, in distribution: three seeds on each.
folders=()
for name in $(printf '%s\n' wasm "$backend" | sort -u); do
  "${run[@]}" run backends --backend "$name" --out "$out/$name"
  folders+=("$out/$name")
done
"${run[@]}" report "${folders[@]}" --out "$out/report.html"
