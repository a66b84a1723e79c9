cwlVersion: v1.2
class: CommandLineTool
id: soil
label: Bare soil
doc: Tell on which days each parcel's soil lay bare.
baseCommand: [sen4cap, soil]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 1024, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  markers:
    type: {type: array, items: File, inputBinding: {prefix: --markers}}
    label: Marker tables
    doc: Marker table (MDB1), Arrow or CSV; repeat for several.
  start:
    type: string
    label: First day
    doc: First day of the intervals.
    inputBinding: {prefix: --start}
  end:
    type: string
    label: Last day
    doc: Last day of the intervals, included; looks outside the span are not used.
    inputBinding: {prefix: --end}
  ndvi:
    type: double
    label: NDVI threshold
    doc: NDVI below which a look may be bare soil.
    default: 0.3
    inputBinding: {prefix: --ndvi}
  nbr2:
    type: double
    label: NBR2 threshold
    doc: NBR2 below which a look may be bare soil; residue stands above it.
    default: 0.097
    inputBinding: {prefix: --nbr2}
  darkening:
    type: double
    label: Darkening by water
    doc: "Rise of the NBR2 of soil where water darkens its B11 to 1/e; used where the tables hold B11; 0: not at all."
    default: 0.05
    inputBinding: {prefix: --darkening}
  own_share:
    type: double
    label: Own level
    doc: "Share by which a parcel's NBR2 limit follows the NBR2 of its own barest looks; 0: one limit for all."
    default: 0.25
    inputBinding: {prefix: --own-share}
  bsi:
    type: double
    label: BSI threshold
    doc: BSI above which a look may be bare soil; used where the tables hold L2A means of B02, B04, B08 and B11.
    default: 0.0
    inputBinding: {prefix: --bsi}
  clear_share:
    type: double
    label: Clear share
    doc: "A look that shows less of a parcel than this share of its most clear pixels is poor: cloud is near."
    default: 0.3
    inputBinding: {prefix: --clear-share}
  weather:
    type: File?
    label: Weather
    doc: "Daily weather CSV (date,precipitation_mm): looks soon after rain give way to dry ones."
    inputBinding: {prefix: --weather}
  rain:
    type: double
    label: Rain
    doc: A look follows rain where the days before it brought this much, mm.
    default: 2.5
    inputBinding: {prefix: --rain}
  rain_days:
    type: int
    label: Days of rain
    doc: Days before a look in which rain counts; the look's own day does not.
    default: 4
    inputBinding: {prefix: --rain-days}
  better_within:
    type: int
    label: Better look near
    doc: A poor look, or one after rain, is left out where a better one of the parcel is at most so many days away.
    default: 3
    inputBinding: {prefix: --better-within}
  shortest_run:
    type: int
    label: Shortest run
    doc: "Runs of one state on a single look that last fewer days are filtered; 0: none."
    default: 6
    inputBinding: {prefix: --shortest-run}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "CSV to write: NewID, start, end (exclusive), state (BS or NBS)."
    default: soil.csv
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: Bare-soil intervals
    doc: Intervals that tile the span of each parcel that was seen; beside it the details of every parcel.
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
