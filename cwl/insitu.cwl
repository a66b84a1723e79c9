cwlVersion: v1.2
class: CommandLineTool
id: insitu
label: In-situ data from the HRL layer
doc: Make in-situ data from the HRL croplands layer of secondary crop emergence.
baseCommand: [sen4cap, insitu]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  sce:
    type: {type: array, items: File, inputBinding: {prefix: --sce}}
    label: Secondary crop emergence
    doc: Secondary crop emergence (CPSCE) raster; repeat for several tiles.
  parcels:
    type: File
    label: Parcels
    doc: "Parcels: GeoPackage, Shapefile, GeoParquet or GeoJSON, any CRS."
    inputBinding: {prefix: --parcels}
  id_field:
    type: string
    label: Identifier field
    doc: Field of the parcels that holds the integer identifier.
    default: "NewID"
    inputBinding: {prefix: --id-field}
  season:
    type: int
    label: Season
    doc: The autumn of the winter season; it is the product's year.
    inputBinding: {prefix: --season}
  main_harvest:
    type: {type: array, items: File, inputBinding: {prefix: --main-harvest}}
    default: []
    label: Main crop harvest
    doc: Main crop harvest (CPMCH) raster on the grid of each --sce; the emergence must come after it.
  buffer:
    type: double
    label: Buffer
    doc: "Buffer around each parcel, m; negative: only its inside counts."
    default: -10.0
    inputBinding: {prefix: --buffer}
  min_pixels:
    type: int
    label: Fewest pixels
    doc: Parcels with fewer pixels get no label.
    default: 5
    inputBinding: {prefix: --min-pixels}
  purity:
    type: double
    label: Purity
    doc: Least share of a parcel's pixels that must agree on its label.
    default: 0.75
    inputBinding: {prefix: --purity}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "CSV to write: NewID,class,pixels,purity,emergence."
    default: "insitu.csv"
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: In-situ data
    doc: "A row for every parcel with a label: class 1 with a winter cover crop, 2 without."
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
