cwlVersion: v1.2
class: Workflow
id: wcc
label: Winter cover crops of a season
doc: >-
  From a STAC catalogue and parcels to the winter cover crops of one season: which parcels had one, when it emerged and
  was terminated, how it grew, and how the time between the main crops was spent.
requirements:
  MultipleInputFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
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
  season:
    type: int
    label: Season
    doc: The autumn of the winter season.
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
  method:
    type:
      type: enum
      symbols: [forest, threshold]
    label: Classification method
    doc: A random forest (needs in-situ data or a model) or thresholds.
    default: forest
  insitu:
    type: File?
    label: In-situ data
    doc: CSV of parcels whose class is known, to train the forest.
  samples:
    type: File[]
    label: Samples of earlier seasons
    doc: model_samples.npz of earlier runs with in-situ data; the forest learns from them as well.
    default: []
  label_noise:
    type: double
    label: Wrong labels
    doc: Share of the in-situ classes that are wrong, such as 0.1 for those of the Copernicus layer.
    default: 0.0
  model:
    type: File?
    label: Saved model
    doc: Model of an earlier run, used instead of in-situ data.
  crops:
    type: File?
    label: Crop roles
    doc: CSV crop_code,role that says which crops leave room for a winter cover crop.
  crop_before:
    type: string?
    label: Field of the crop before
    doc: Field of the parcels with the main crop before the winter.
  crop_after:
    type: string?
    label: Field of the crop after
    doc: Field of the parcels with the main crop after the winter.
  practices:
    type: File?
    label: Agricultural practices (L4C)
    doc: L4C product with the harvest weeks; without it they are estimated from the series.
  weather:
    type: File?
    label: Weather
    doc: CSV date,precipitation_mm; looks soon after rain are then left out of the bare-soil detection.
  keep_markers:
    type: boolean
    label: Keep marker tables and series
    doc: Put the marker tables and the daily series into the result folder too.
    default: false
steps:
  fetch:
    label: Fetch the images
    doc: Clip the Sentinel-2 items of the span to the parcels.
    run: ../cwl/fetch.cwl
    in:
      catalog: catalog
      collection: collection
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
    out: [table]
  analyse:
    label: Classify, date, analyse, report
    doc: From the marker table to the result folder.
    run: wcc-from-markers.cwl
    in:
      markers:
        source: [markers/table]
        linkMerge: merge_flattened
      parcels: parcels
      id_field: id_field
      start: start
      end: end
      season: season
      method: method
      insitu: insitu
      samples: samples
      label_noise: label_noise
      model: model
      crops: crops
      crop_before: crop_before
      crop_after: crop_after
      practices: practices
      weather: weather
      keep_markers: keep_markers
    out: [results]
outputs:
  results:
    type: Directory
    label: Results
    doc: All result files, maps, curves and index.html, as a STAC catalogue.
    outputSource: analyse/results
