#!/bin/sh
# Speaks the runtime protocol itself: docs/runtime-protocol.md. Returns the id of each execution.
read -r start <&3
printf '["loaded"]\n["ready"]\n' >&4
while read -r line <&3; do
  case $line in
    '["run",'*)
      id=${line#*,}
      id=${id%%,*}
      echo "execution $id"
      printf '["returned",%s,"shell %s","",0]\n' "$id" "$id" >&4
      ;;
    '["recall"]') printf '["recalled",[]]\n' >&4 ;;
  esac
done
