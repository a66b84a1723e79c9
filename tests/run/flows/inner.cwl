cwlVersion: v1.2
class: Workflow
id: inner
inputs: {word: string, tally: string, after: File}
steps:
  last: {run: note.cwl, in: {word: word, tally: tally, after: after}, out: [file]}
outputs:
  file: {type: File, outputSource: last/file}
