#!/usr/bin/env bash
# Tries what packaging/build.sh made (folder given, default: dist) as somebody would who has neither Rust nor this project:
# the wheel in a fresh virtual environment without a network, the archive in an empty folder, both with an empty environment.
set -euo pipefail
cd "$(dirname "$0")/.."
out="$(realpath "${1:-dist}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"

clean() { env -i HOME="$work" PATH=/usr/bin:/bin "$@"; }

use() { # the binary, as a user would
  local onefold="$1" folder="$2"
  mkdir "$folder" && cd "$folder"
  [ "$(clean "$onefold" --version)" = "onefold $version" ]
  clean "$onefold" > first_steps.txt
  clean "$onefold" generate --customers 1000
  clean "$onefold" run
  clean "$onefold" verify
}

python3 -m venv "$work/venv"
clean "$work/venv/bin/pip" install --quiet --no-index "$out"/onefold-*.whl
(use "$work/venv/bin/onefold" "$work/by_wheel")
ls "$work"/venv/lib/python3*/site-packages/onefold-*.dist-info/licenses/LICENSE-THIRD-PARTY.txt

mkdir "$work/unpacked"
tar --extract --file "$(echo "$out"/onefold-*.tar.gz)" --directory "$work/unpacked"
root="$(echo "$work"/unpacked/onefold-*)"
(use "$root/onefold" "$work/by_archive")
for file in README.md docs/spec.md LICENSE LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY.txt man/man1/onefold.1 man/man1/onefold-run.1 \
  completions/onefold.bash completions/_onefold completions/onefold.fish; do
  [ -s "$root/$file" ] || { echo "the archive lacks $file"; exit 1; }
done
clean bash -c 'source "$1" && complete -p onefold > /dev/null' bash "$root/completions/onefold.bash"

cmp "$work/by_wheel/data_out/profiles.parquet" "$work/by_archive/data_out/profiles.parquet"
if nm "$root/onefold" 2> /dev/null | grep -q .; then echo "the binary is not stripped"; exit 1; fi
echo "wheel and archive work in a clean environment"
