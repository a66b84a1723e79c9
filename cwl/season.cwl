cwlVersion: v1.2
class: CommandLineTool
id: season
label: Season characteristics
doc: Date emergence and termination of winter cover crops and measure their growth.
baseCommand: [sen4cap, season]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 1024, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  series:
    type: File
    label: Daily parcel series
    doc: Daily parcel series, from `sen4cap smooth`.
    inputBinding: {prefix: --series}
  markers:
    type: {type: array, items: File, inputBinding: {prefix: --markers}}
    label: Marker tables
    doc: Marker table (MDB1), Arrow or CSV; repeat for several.
  classes:
    type: ["null", File, Directory]
    label: Classes
    doc: "Classes of the parcels: wcc.csv from `sen4cap classify`, or the folder that holds it."
    inputBinding: {prefix: --classes}
  season_start:
    type: string
    label: Season start
    doc: First day of the season, MM-DD; nothing emerges before it.
    default: 08-01
    inputBinding: {prefix: --season-start}
  season_end:
    type: string
    label: Season end
    doc: Last day of the season, MM-DD; what stands longer has no termination.
    default: 05-31
    inputBinding: {prefix: --season-end}
  latest_emergence:
    type: string
    label: Latest emergence
    doc: Growth that begins after this day, MM-DD, is taken for the next main crop.
    default: 01-31
    inputBinding: {prefix: --latest-emergence}
  emergence_method:
    type: {type: enum, symbols: [default, wise, wise-published, threshold]}
    label: Emergence method
    doc: "How to date emergence: growth curves fitted to the looks, WISE, WISE as published, or 10 % of the amplitude."
    default: default
    inputBinding: {prefix: --emergence-method}
  termination_method:
    type: {type: enum, symbols: [default, wist, slope]}
    label: Termination method
    doc: "How to date termination: fall curves fitted to the looks, WIST as published, or the steepest smooth slope."
    default: default
    inputBinding: {prefix: --termination-method}
  as_of:
    type: string?
    label: As of
    doc: Leave out what was seen after this day, and smooth again from --markers.
    inputBinding: {prefix: --as-of}
  wise_short:
    type: int
    label: WISE S
    doc: "WISE: days of EMA_S."
    default: 10
    inputBinding: {prefix: --wise-short}
  wise_long:
    type: int
    label: WISE L
    doc: "WISE: days of EMA_L."
    default: 20
    inputBinding: {prefix: --wise-long}
  wise_signal:
    type: int
    label: WISE K
    doc: "WISE: days of EMA_K."
    default: 10
    inputBinding: {prefix: --wise-signal}
  wise_threshold:
    type: double
    label: WISE threshold
    doc: "WISE: least MACD_div at green-up, as a share of the range of the series."
    default: 0.005
    inputBinding: {prefix: --wise-threshold}
  wise_rise:
    type: double
    label: WISE rise
    doc: "WISE: least rise that must follow, as a share of the range of the series."
    default: 0.5
    inputBinding: {prefix: --wise-rise}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: Table to write, one row a parcel; season_details.parquet goes beside it.
    default: season.csv
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: Season characteristics
    doc: One row a parcel; the details stand beside it.
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
