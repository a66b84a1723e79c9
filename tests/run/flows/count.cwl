cwlVersion: v1.2
class: CommandLineTool
id: count
doc: Lists a folder into a file.
baseCommand: [sh, -c, 'cat "$0"/* > "$1"']
inputs:
  items: {type: Directory, inputBinding: {position: 1}}
  output: {type: string, default: listed.txt, inputBinding: {position: 2}}
outputs:
  file: {type: File, outputBinding: {glob: $(inputs.output)}}
