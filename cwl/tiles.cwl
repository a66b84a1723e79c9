cwlVersion: v1.2
class: CommandLineTool
id: tiles
label: Split parcels by tile
doc: Split parcels by the Sentinel-2 tiles that a catalogue holds images of.
baseCommand: [sen4cap, tiles]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 2, ramMin: 2048, ramMax: 8192}
  NetworkAccess: {networkAccess: true}
  # cwltool does not stage a file that also lies inside a staged folder, such as parcels beside their catalogue.
  InitialWorkDirRequirement: {listing: [$(inputs.parcels)]}
inputs:
  catalog:
    type: [string, Directory]
    label: Catalogue
    doc: "STAC API or static catalogue: URL (http, https, s3), or a local folder or catalog.json."
    inputBinding: {prefix: --catalog}
  collection:
    type: string
    label: Collection
    doc: Identifier of the collection, such as sentinel-2-l2a.
    inputBinding: {prefix: --collection}
  start:
    type: string
    label: First day
    doc: First day, UTC.
    inputBinding: {prefix: --start}
  end:
    type: string
    label: Last day
    doc: Last day, UTC, included.
    inputBinding: {prefix: --end}
  parcels:
    type: File
    label: Parcels
    doc: "Parcels: GeoPackage, Shapefile, GeoParquet or GeoJSON, any CRS."
    inputBinding: {prefix: --parcels}
  id_field:
    type: string
    label: Identifier field
    doc: Field of the parcels that holds the integer identifier.
    default: NewID
    inputBinding: {prefix: --id-field}
  max_cloud:
    type: double?
    label: Greatest cloud cover
    doc: Greatest cloud cover of an item, percent; items that do not tell theirs are kept.
    inputBinding: {prefix: --max-cloud}
  max_workers:
    type: int
    label: Parallel reads
    doc: Files read at the same time.
    default: 24
    inputBinding: {prefix: --max-workers}
  retries:
    type: int
    label: Repetitions
    doc: Repetitions of a request that failed for a reason that may pass.
    default: 6
    inputBinding: {prefix: --retries}
  timeout:
    type: double
    label: Time limit
    doc: Time limit of one request, seconds.
    default: 60.0
    inputBinding: {prefix: --timeout}
  output:
    type: string
    label: Output name
    doc: "Folder to write: parcels/TILE.parquet for every tile, tiles.csv and its details."
    default: tiles
    inputBinding: {prefix: --output}
outputs:
  folder:
    type: Directory
    label: Tiles
    doc: Table of the tiles, what became of every parcel, and the parcels of each tile.
    outputBinding: {glob: $(inputs.output)}
  parcels_of_tiles:
    type: File[]
    label: Parcels of the tiles
    doc: A parcels file for every tile, named after it, in the order of the names.
    outputBinding: {glob: $(inputs.output)/parcels/*.parquet}
