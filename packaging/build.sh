#!/usr/bin/env bash
# Makes what others need to use onefold without building it, in the folder given (default: dist):
# a wheel that carries the binary, and an archive of the same binary with completions, manual and licences.
#
# Needs Rust, python3, and maturin (https://www.maturin.rs; tests/setup installs one) as $MATURIN or on the PATH. Same
# sources and tools, same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
out="$(realpath -m "${1:-dist}")"
mkdir -p "$out"
rm -f "$out"/onefold-*.whl "$out"/onefold-*.tar.gz
# Not SOURCE_DATE_EPOCH: dependencies' build scripts watch it, and cargo would compile them and all of Polars anew.
date="$(git log -1 --format=%ct 2> /dev/null || echo 315532800)"
target="$(rustc -vV | sed -n 's/^host: //p')"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

python3 packaging/licences.py "$target" LICENSE-THIRD-PARTY.txt

# Maturin calls `cargo rustc --release`: dependencies that were compiled for `cargo build --release` are used as they are.
env -u SOURCE_DATE_EPOCH "${MATURIN:-maturin}" build --release --out "$work/wheel"
wheel="$(echo "$work"/wheel/*.whl)"

python3 -m zipfile -e "$wheel" "$work/unpacked"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
name="onefold-$version-$target"
root="$work/$name"
mkdir -p "$root/completions"
install -m 755 "$work/unpacked/onefold-$version.data/scripts/onefold" "$root/onefold"
install -m 644 README.md CHANGELOG.md LICENSE* "$root/"
mkdir "$root/docs"
install -m 644 docs/*.md "$root/docs/"
"$root/onefold" man --dir "$root/man/man1"
"$root/onefold" completions bash > "$root/completions/onefold.bash"
"$root/onefold" completions zsh > "$root/completions/_onefold"
"$root/onefold" completions fish > "$root/completions/onefold.fish"
tar --create --directory "$work" --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner --mode=go=rX \
  "$name" | gzip -9 --no-name > "$out/$name.tar.gz"
cp "$wheel" "$out/"
ls -l "$out"
