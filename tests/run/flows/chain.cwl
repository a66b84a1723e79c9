cwlVersion: v1.2
class: Workflow
id: chain
doc: One step, one that waits for a gate, one in a workflow of its own.
requirements: {SubworkflowFeatureRequirement: {}}
inputs:
  word: {type: string, label: Word of the second step}
  tally: string
  gate: string
  number: {type: int, default: 1}
  share: {type: double, default: 0.5}
  flag: {type: boolean, default: false}
  way: {type: {type: enum, symbols: [forest, threshold]}, default: forest}
  several: {type: "string[]?"}
  catalog: {type: ["null", string, Directory]}
  table: {type: "File?"}
steps:
  first:
    run: note.cwl
    in: {word: {default: one}, tally: tally}
    out: [file]
  second:
    run: note.cwl
    in: {word: word, tally: tally, gate: gate, after: first/file}
    out: [file]
  deep:
    run: inner.cwl
    in: {word: {default: three}, tally: tally, after: second/file}
    out: [file]
outputs:
  result: {type: File, outputSource: deep/file}
