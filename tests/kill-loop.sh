#!/usr/bin/env bash
# Kills a run with SIGKILL at random moments and runs it again, so many times. After each kill the outputs must be the
# complete old ones or the complete new ones; after each run again, the bytes of an undisturbed run.
#
#   kill-loop.sh ONEFOLD [CUSTOMERS] [KILLS] [identity]      works in the current folder
#
# With `identity` the customers share no id: they are found by their email addresses.
set -euo pipefail
onefold=$1 customers=${2:-200000} kills=${3:-100} kind=${4:-}
RANDOM=42
profile=()
files="profiles.csv profiles.parquet"

if [ "$kind" = identity ]; then
  python3 -B "$(dirname "$0")/oracle/unlinked.py" in "$customers"
  python3 -B "$(dirname "$0")/oracle/unlinked.py" few 100
  profile=(--profile in/profile.toml)
  files="$files identities.csv identities.parquet refused.csv refused.parquet"
else
  "$onefold" generate --customers "$customers" --output in --quiet
  "$onefold" generate --customers 100 --output few --quiet
fi
"$onefold" run "${profile[@]}" --input few --output old --quiet
begun=$(date +%s%N)
"$onefold" run "${profile[@]}" --input in --output want --quiet
took=$((($(date +%s%N) - begun) / 1000))

digest() { (cd "$1" && sha256sum $files); }
old=$(digest old) want=$(digest want)
resumed=0 published=0
for ((i = 1; i <= kills; i++)); do
  rm -rf out && mkdir out && (cd old && cp $files run.json ../out/)
  "$onefold" run "${profile[@]}" --input in --output out --quiet &
  pid=$!
  sleep "$(awk -v t="$took" -v r="$RANDOM" 'BEGIN { printf "%.6f", t * r / 32768 / 1000000 }')"
  kill -KILL "$pid" 2> /dev/null || true
  wait "$pid" 2> /dev/null || true
  for file in $files; do
    now=$(cd out && sha256sum "$file")
    grep -qF "$now" <<< "$old"$'\n'"$want" || { echo "kill $i: $file is neither the old file nor the new one"; exit 1; }
  done
  python3 -c 'import json, sys; json.load(open("out/run.json"))' || { echo "kill $i: run.json is not complete"; exit 1; }
  [ "$(digest out)" = "$want" ] && published=$((published + 1))
  told=$("$onefold" run "${profile[@]}" --input in --output out)
  grep -q '^resumed' <<< "$told" && resumed=$((resumed + 1))
  [ "$(digest out)" = "$want" ] || { echo "kill $i: other bytes after the run again"; exit 1; }
  "$onefold" verify --input in --output out --quiet
done
echo "after a kill: $published times the new outputs, else the old ones; $resumed runs resumed"
echo "$kills kills: the same bytes each time"
