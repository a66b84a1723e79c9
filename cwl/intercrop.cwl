cwlVersion: v1.2
class: CommandLineTool
id: intercrop
label: Intercropping period
doc: Count each parcel's bare and non-bare days between two main crops.
baseCommand: [sen4cap, intercrop]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 2, ramMin: 1024, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  season:
    type: File
    label: Cover-crop dates
    doc: Cover-crop dates, season.csv from `sen4cap season`, its details beside it.
    secondaryFiles: ["^_details.parquet"]
    inputBinding: {prefix: --season}
  harvest:
    type: File
    label: Harvest weeks
    doc: "Harvest weeks: harvest.csv from `sen4cap harvest`, or the L4C CSV or GeoPackage."
    inputBinding: {prefix: --harvest}
  soil:
    type: File
    label: Bare-soil intervals
    doc: Bare-soil intervals, soil.csv from `sen4cap soil`.
    secondaryFiles: ["^_details.parquet?"]
    inputBinding: {prefix: --soil}
  classes:
    type: ["null", File, Directory]
    label: Classes
    doc: "Classes of the parcels: wcc.csv from `sen4cap classify`, or the folder that holds it."
    inputBinding: {prefix: --classes}
  season_end:
    type: string
    label: Season end
    doc: Day on which the period ends where the next main crop's emergence is not seen.
    default: "05-31"
    inputBinding: {prefix: --season-end}
  output:
    type: string
    label: Output name
    doc: "CSV to write: one row per parcel with its bare and non-bare days."
    default: intercrop.csv
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: Intercropping period
    doc: One row per parcel; beside it the ends of the periods and the reasons of empty cells.
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
