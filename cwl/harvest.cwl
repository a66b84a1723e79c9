cwlVersion: v1.2
class: CommandLineTool
id: harvest
label: Harvest weeks
doc: Estimate the week in which each parcel's main crop was harvested.
baseCommand: [sen4cap, harvest]
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
    default: []
    label: Marker tables
    doc: "Marker tables the series was made from: the looks themselves date a harvest better; repeat for several."
  variable:
    type: {type: enum, symbols: [LAI, FCOVER, NDVI]}
    label: Measure of green
    doc: Measure of green whose fall is looked for; choose --level and --fall in its units.
    default: LAI
    inputBinding: {prefix: --variable}
  window_start:
    type: string
    label: Window start
    doc: First day of the season's first year on which a harvest may lie.
    default: "06-15"
    inputBinding: {prefix: --window-start}
  window_end:
    type: string
    label: Window end
    doc: Last day of the season's first year on which a harvest may lie.
    default: "11-30"
    inputBinding: {prefix: --window-end}
  stood_by:
    type: string
    label: Stood by
    doc: Day by which the main crop stands above the level; what comes up later is its cover crop.
    default: "07-20"
    inputBinding: {prefix: --stood-by}
  level:
    type: double
    label: Level
    doc: A crop stands above this value and is gone below it.
    default: 0.8
    inputBinding: {prefix: --level}
  fall:
    type: double
    label: Fall
    doc: Least difference between the largest value before the harvest and the smallest after it.
    default: 0.6
    inputBinding: {prefix: --fall}
  ripening_days:
    type: double
    label: Days of ripening
    doc: Days from half of the green area gone to the harvest, for crops that ripen.
    default: 20.0
    inputBinding: {prefix: --ripening-days}
  open_ground:
    type: double
    label: Open ground
    doc: "NBR2 below which a look shows soil without plants, living or dead: the harvest is over; needs --markers."
    default: 0.11
    inputBinding: {prefix: --open-ground}
  clear_share:
    type: double
    label: Clear share
    doc: A look that shows less of a parcel than this share of its most clear pixels is poor; needs --markers.
    default: 0.3
    inputBinding: {prefix: --clear-share}
  better_within:
    type: int
    label: Better look near
    doc: A poor look is left out where a better one of the parcel is at most so many days away; needs --markers.
    default: 3
    inputBinding: {prefix: --better-within}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "CSV to write: NewID, harvest_start (Monday of the harvest week)."
    default: harvest.csv
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: Harvest weeks
    doc: One row per parcel of the series; beside it day, uncertainty and reason of each.
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
