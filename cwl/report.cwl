cwlVersion: v1.2
class: CommandLineTool
id: report
label: Report
doc: Gather a run's results in one folder, with maps, curves, a summary and a page to read.
baseCommand: [sen4cap, report]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 2, ramMin: 2048, ramMax: 8192}
  NetworkAccess: {networkAccess: false}
inputs:
  parcels:
    type: File
    label: Parcels
    doc: "Parcels: GeoPackage, Shapefile, GeoParquet or GeoJSON, any CRS."
    inputBinding: {prefix: --parcels}
  id_field:
    type: string
    label: Identifier
    doc: Field of the parcels that holds the integer identifier.
    default: NewID
    inputBinding: {prefix: --id-field}
  series:
    type: File
    label: Daily parcel series
    doc: Daily parcel series, from `sen4cap smooth`.
    inputBinding: {prefix: --series}
  classes:
    type: Directory
    label: Classes
    doc: Folder of the classes, from `sen4cap classify`.
    inputBinding: {prefix: --classes}
  season:
    type: File
    secondaryFiles: ["^_details.parquet"]
    label: Characteristics
    doc: Characteristics, from `sen4cap season`; season_details.parquet must lie beside it.
    inputBinding: {prefix: --season}
  intercrop:
    type: File
    secondaryFiles: ["^_details.parquet?"]
    label: Intercropping periods
    doc: Intercropping periods, from `sen4cap intercrop`.
    inputBinding: {prefix: --intercrop}
  harvest:
    type: File?
    secondaryFiles: ["^_details.parquet?"]
    label: Harvest weeks
    doc: Harvest weeks, harvest.csv or an L4C product; drawn on the curves.
    inputBinding: {prefix: --harvest}
  soil:
    type: File?
    secondaryFiles: ["^_details.parquet?"]
    label: Bare-soil intervals
    doc: Bare-soil intervals, from `sen4cap soil`; drawn below the curves.
    inputBinding: {prefix: --soil}
  markers:
    type: {type: array, items: File, inputBinding: {prefix: --markers}}
    default: []
    label: Marker tables
    doc: Marker table (MDB1), Arrow or CSV, whose looks are drawn as dots on the curves; repeat for several.
  curves:
    type: string?
    label: Parcels to draw
    doc: NewIDs of parcels whose curves are drawn, for example 1919,1920.
    inputBinding: {prefix: --curves}
  typical:
    type: int
    label: Typical parcels
    doc: Number of typical parcels, chosen by the tool, whose curves are drawn too.
    default: 6
    inputBinding: {prefix: --typical}
  crop_before:
    type: string?
    label: Field of the crop before
    doc: Field of the parcels with the main crop before the winter, named on the curves.
    inputBinding: {prefix: --crop-before}
  crop_after:
    type: string?
    label: Field of the crop after
    doc: Field of the parcels with the main crop after the winter, named on the curves.
    inputBinding: {prefix: --crop-after}
  most_outlines:
    type: int
    label: Most outlines
    doc: Maps of more parcels than this are drawn on a grid of pixels instead of by outlines.
    default: 20000
    inputBinding: {prefix: --most-outlines}
  keep_markers:
    type: boolean
    label: Keep markers and series
    doc: Copy the series and the marker tables into the result folder too.
    default: false
    inputBinding: {prefix: --keep-markers}
  output:
    type: string
    label: Output name
    doc: "Folder to write: all result files, index.html, maps, curves, catalog.json."
    default: report
    inputBinding: {prefix: --output}
outputs:
  folder:
    type: Directory
    label: Result folder
    doc: All result files of the run with index.html, maps and curves, as a STAC catalogue.
    outputBinding: {glob: $(inputs.output)}
