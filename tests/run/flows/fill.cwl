cwlVersion: v1.2
class: CommandLineTool
id: fill
doc: Writes so many kilobytes.
baseCommand: [sh, -c, 'head -c "$0"k /dev/zero > filled.bin']
inputs:
  kilobytes: {type: int, inputBinding: {position: 1}}
outputs:
  file: {type: File, outputBinding: {glob: filled.bin}}
