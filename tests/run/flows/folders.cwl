cwlVersion: v1.2
class: Workflow
id: folders
doc: The same tool over folders, scattered; then one file of all.
requirements: {ScatterFeatureRequirement: {}}
inputs: {folders: "Directory[]"}
steps:
  count: {run: count.cwl, scatter: items, in: {items: folders}, out: [file]}
  all:
    run:
      class: CommandLineTool
      id: concatenate
      baseCommand: [cat]
      stdout: all.txt
      inputs: {files: {type: "File[]", inputBinding: {position: 1}}}
      outputs: {file: {type: stdout}}
    in: {files: count/file}
    out: [file]
outputs:
  listed: {type: File, outputSource: all/file}
