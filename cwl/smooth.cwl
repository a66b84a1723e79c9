cwlVersion: v1.2
class: CommandLineTool
id: smooth
label: Smooth daily series
doc: Make smooth daily series of every parcel from the clear looks in marker tables.
baseCommand: [sen4cap, smooth]
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
    doc: First day of the series; take it before the harvest of the main crop.
    inputBinding: {prefix: --start}
  end:
    type: string
    label: Last day
    doc: Last day of the series, included; take it after the emergence of the next main crop.
    inputBinding: {prefix: --end}
  variables:
    type: string
    label: Quantities
    doc: Quantities of the marker tables to smooth, out of LAI,FCOVER,FAPAR,NDVI,NBR2,NDWI,BRIGHTNESS,RATIO.
    default: LAI,FCOVER
    inputBinding: {prefix: --variables}
  season:
    type: int?
    label: Season
    doc: Autumn that the series is about; if not given, the latest whose December begins inside the span.
    inputBinding: {prefix: --season}
  method:
    type: {type: enum, symbols: [whittaker, savitzky-golay]}
    label: Smoother
    doc: "Smoother: penalised least squares on the daily grid, or local polynomials of daily interpolated looks."
    default: whittaker
    inputBinding: {prefix: --method}
  lambda:
    type: double
    label: Roughness penalty
    doc: "Whittaker: penalty of roughness on the daily grid; larger is smoother."
    default: 300.0
    inputBinding: {prefix: --lambda}
  robust:
    type: {type: enum, symbols: [none, bisquare, envelope]}
    label: Reweighting
    doc: "Whittaker: lower the weight of looks off the curve (bisquare), of those below it only (envelope), or none."
    default: envelope
    inputBinding: {prefix: --robust}
  passes:
    type: int
    label: Passes
    doc: "Whittaker: fits in all where looks are reweighted."
    default: 3
    inputBinding: {prefix: --passes}
  window:
    type: int
    label: Window
    doc: "Savitzky-Golay: window, days; an odd number."
    default: 61
    inputBinding: {prefix: --window}
  degree:
    type: int
    label: Degree
    doc: "Savitzky-Golay: degree of the polynomial."
    default: 2
    inputBinding: {prefix: --degree}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "Series file to write: one value a day for every parcel, Arrow IPC."
    default: series.arrow
    inputBinding: {prefix: --output}
outputs:
  series:
    type: File
    label: Daily parcel series
    doc: One row per parcel, one value a day per quantity, days to the nearest clear look.
    outputBinding: {glob: $(inputs.output)}
