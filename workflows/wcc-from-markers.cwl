cwlVersion: v1.2
class: Workflow
id: wcc-from-markers
label: Winter cover crops from marker tables
doc: >-
  The winter cover crops of one season from marker tables (MDB1) that exist already, such as those of Sen4CAP: classes,
  dates, growth and cover maxima, intercropping period, report.
requirements:
  MultipleInputFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
inputs:
  markers:
    type: File[]
    label: Marker tables
    doc: MDB1 tables with LAI, FCOVER, NDVI and NBR2, Arrow or CSV.
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
  smooth:
    label: Smooth the series
    doc: Daily LAI, FCOVER and NDVI through the clouds.
    run: ../cwl/smooth.cwl
    in:
      markers: markers
      start: start
      end: end
      season: season
      variables: {default: "LAI,FCOVER,NDVI"}
    out: [series]
  classify:
    label: Classify the parcels
    doc: Winter cover crop or none, with confidence.
    run: ../cwl/classify.cwl
    in:
      series: smooth/series
      parcels: parcels
      id_field: id_field
      method: method
      insitu: insitu
      samples: samples
      label_noise: label_noise
      by_months: {default: true}
      model: model
      crops: crops
      crop_before: crop_before
      crop_after: crop_after
    out: [folder]
  intercropping:
    label: Date, analyse, report
    doc: Dates of the cover crops, the time between the main crops, maps and curves.
    run: intercrop.cwl
    in:
      series: smooth/series
      markers: markers
      classes: classify/folder
      parcels: parcels
      id_field: id_field
      start: start
      end: end
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
    outputSource: intercropping/results
