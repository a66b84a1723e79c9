cwlVersion: v1.2
class: Workflow
id: wcc
label: Winter cover crops of a season
doc: >-
  From a STAC catalogue and parcels to the winter cover crops of one season: which parcels had one, when it emerged and
  was terminated, how it grew, and how the time between the main crops was spent.
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
  parcels:
    type: File
    label: Parcels
    doc: GeoPackage, Shapefile, GeoParquet or FlatGeobuf with an integer identifier, any CRS.
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
    doc: LAI, FCOVER, NDVI and NBR2 of every parcel on every date.
    run: ../cwl/markers.cwl
    in:
      items:
        source: [fetch/items]
        linkMerge: merge_flattened
      parcels: parcels
      id_field: id_field
      clear_classes: clear_classes
    out: [table]
  smooth:
    label: Smooth the series
    doc: Daily LAI and FCOVER through the clouds.
    run: ../cwl/smooth.cwl
    in:
      markers:
        source: [markers/table]
        linkMerge: merge_flattened
      start: start
      end: end
      season: season
    out: [series]
  classify:
    label: Classify the parcels
    doc: Winter cover crop or none, with confidence.
    run: ../cwl/classify.cwl
    in:
      series: smooth/series
      parcels: parcels
      id_field: id_field
      insitu: insitu
      model: model
      method: method
      crops: crops
      crop_before: crop_before
      crop_after: crop_after
    out: [folder, table]
  season:
    label: Date the cover crops
    doc: Emergence, termination and maxima.
    run: ../cwl/season.cwl
    in:
      series: smooth/series
      markers:
        source: [markers/table]
        linkMerge: merge_flattened
      classes: classify/table
    out: [table]
  soil:
    label: Find bare soil
    doc: Intervals of bare and non-bare soil.
    run: ../cwl/soil.cwl
    in:
      markers:
        source: [markers/table]
        linkMerge: merge_flattened
      start: start
      end: end
      weather: weather
    out: [table]
  harvest:
    label: Estimate the harvest
    doc: Harvest week of the main crop, used where no L4C product is given.
    run: ../cwl/harvest.cwl
    in:
      series: smooth/series
    out: [table]
  intercrop:
    label: Analyse the time between the crops
    doc: Bare and non-bare days before, during and after the cover crop.
    run: ../cwl/intercrop.cwl
    in:
      season: season/table
      harvest:
        source: [practices, harvest/table]
        pickValue: first_non_null
      soil: soil/table
      classes: classify/table
    out: [table]
  report:
    label: Report
    doc: Maps, curves and all result files in one folder.
    run: ../cwl/report.cwl
    in:
      parcels: parcels
      id_field: id_field
      series: smooth/series
      markers:
        source: [markers/table]
        linkMerge: merge_flattened
      classes: classify/folder
      season: season/table
      intercrop: intercrop/table
      harvest:
        source: [practices, harvest/table]
        pickValue: first_non_null
      soil: soil/table
    out: [folder]
outputs:
  results:
    type: Directory
    label: Results
    doc: All result files, maps, curves and index.html, as a STAC catalogue.
    outputSource: report/folder
