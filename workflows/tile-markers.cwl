cwlVersion: v1.2
class: Workflow
id: tile-markers
label: Marker table of one tile
doc: >-
  From a STAC catalogue and parcels to the marker table of one Sentinel-2 tile: the work of a country that is done tile by
  tile, before all tiles are analysed as one.
requirements:
  MultipleInputFeatureRequirement: {}
  StepInputExpressionRequirement: {}
inputs:
  catalog:
    type: [string, Directory]
    label: STAC catalogue
    doc: STAC API or static catalogue by URL, or a catalogue folder, with Sentinel-2 L2A.
  collection:
    type: string
    label: Collection
    doc: Collection of the catalogue that holds Sentinel-2 L2A.
    default: sentinel-2-l2a
  tile:
    type: string
    label: Tile
    doc: Sentinel-2 tile, such as 31UFS.
  parcels:
    type: File
    label: Parcels
    doc: GeoPackage, Shapefile, GeoParquet or GeoJSON with an integer identifier, any CRS.
  id_field:
    type: string
    label: Identifier
    doc: Field of the parcels that holds the integer identifier.
    default: NewID
  start:
    type: string
    label: First day
    doc: First day to look at, YYYY-MM-DD; before the main harvest of the first year.
  end:
    type: string
    label: Last day
    doc: Last day to look at, YYYY-MM-DD; after the emergence of the next main crop.
  max_cloud:
    type: double
    label: Cloud limit
    doc: Items with more cloud than this are not fetched, percent.
    default: 95
  clear_classes:
    type: string
    label: Clear scene classes
    doc: Scene classes (SCL) that count as clear land, comma-separated.
    default: 4,5
steps:
  fetch:
    label: Fetch the images
    doc: Clip the tile's items of the span to the parcels.
    run: ../cwl/fetch.cwl
    in:
      catalog: catalog
      collection: collection
      tile: tile
      parcels: parcels
      id_field: id_field
      start: start
      end: end
      max_cloud: max_cloud
    out: [items]
  markers:
    label: Extract the markers
    doc: LAI, FCOVER, NDVI, NBR2 and B11 of every parcel on every date.
    run: ../cwl/markers.cwl
    in:
      items:
        source: [fetch/items]
        linkMerge: merge_flattened
      parcels: parcels
      id_field: id_field
      clear_classes: clear_classes
      output:
        source: tile
        valueFrom: $(self).ipc
    out: [table]
outputs:
  table:
    type: File
    label: Marker table
    doc: One row per parcel (MDB1), TILE.ipc; what became of every record of the parcels file stands in the details beside it.
    secondaryFiles: ["^_details.parquet"]
    outputSource: markers/table
