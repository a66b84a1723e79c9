cwlVersion: v1.2
class: CommandLineTool
id: contained
doc: Asks for an image that nobody has.
baseCommand: [echo, hello]
hints: {DockerRequirement: {dockerPull: "localhost:9/sen4cap/no-such-image:1"}}
inputs: {}
outputs: {}
