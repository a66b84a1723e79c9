cwlVersion: v1.2
class: CommandLineTool
id: note
doc: Notes on the tally that it runs, writes its word, waits for the gate to exist; the word "bad" fails until it does.
baseCommand: [sh, -c]
arguments:
  - position: 0
    valueFrom: |
      echo "$0" >> "$1"
      echo "$0 says it works" >&2
      printf '%s\n' "$0" >> out.txt
      if [ "$0" = bad ] && [ ! -e "$2" ]; then echo "bad: parcels.gpkg, NewID 7: is odd" >&2; exit 3; fi
      while [ -n "$2" ] && [ ! -e "$2" ]; do sleep 0.1; done
      if [ -n "$3" ]; then cat "$3" >> out.txt; fi
inputs:
  word: {type: string, inputBinding: {position: 1}}
  tally: {type: string, inputBinding: {position: 2}}
  gate: {type: string, default: "", inputBinding: {position: 3}}
  after: {type: "File?", inputBinding: {position: 4}}
outputs:
  file: {type: File, outputBinding: {glob: out.txt}}
