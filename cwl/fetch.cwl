cwlVersion: v1.2
class: CommandLineTool
id: fetch
label: Fetch items
doc: Copy the items of a season over some parcels out of a STAC catalogue, clipped to their ground.
baseCommand: [sen4cap, fetch]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 4096}
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
    type: File?
    label: Parcels
    doc: "Area: the parcels of this file (GeoPackage, Shapefile, GeoParquet, GeoJSON)."
    inputBinding: {prefix: --parcels}
  id_field:
    type: string
    label: Identifier field
    doc: Field of the parcels that holds the integer identifier.
    default: NewID
    inputBinding: {prefix: --id-field}
  tile:
    type: string?
    label: Tile
    doc: Only items of this Sentinel-2 tile, such as 31UFS.
    inputBinding: {prefix: --tile}
  bbox:
    type: string?
    label: Box
    doc: "Area: west,south,east,north in degrees, instead of --parcels."
    inputBinding: {prefix: --bbox}
  max_cloud:
    type: double?
    label: Greatest cloud cover
    doc: Greatest cloud cover of an item, percent; items that do not tell theirs are kept.
    inputBinding: {prefix: --max-cloud}
  assets:
    type: string?
    label: Bands
    doc: Bands to fetch, such as B04,B08,SCL; otherwise all that the suite can use.
    inputBinding: {prefix: --assets}
  by_reference:
    type: boolean
    label: By reference
    doc: "Copy no pixels: write items that refer to the files where they lie."
    default: false
    inputBinding: {prefix: --by-reference}
  skip_unreadable:
    type: boolean
    label: Skip unreadable items
    doc: Leave out and list an item with a missing, forbidden or damaged file, instead of stopping.
    default: false
    inputBinding: {prefix: --skip-unreadable}
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
    doc: "Folder to write: a STAC catalogue of the clipped items."
    default: l2a
    inputBinding: {prefix: --output}
outputs:
  items:
    type: Directory
    label: Items
    doc: STAC catalogue folder of the clipped items, or of references to them.
    outputBinding: {glob: $(inputs.output)}
