cwlVersion: v1.2
class: Workflow
id: intercropping
label: Intercropping period
doc: >-
  Dates the winter cover crops of classified parcels and says how the time between the two main crops was spent: bare or
  not, before, during and after the cover crop. Writes the result folder with maps, curves and report.
requirements:
  MultipleInputFeatureRequirement: {}
inputs:
  series:
    type: File
    label: Daily parcel series
    doc: Series of LAI and FCOVER, from the tool smooth.
  markers:
    type: File[]
    label: Marker tables
    doc: MDB1 tables with LAI, FCOVER, NDVI and NBR2 on the same parcels.
  classes:
    type: Directory
    label: Classes
    doc: Folder with wcc.csv, from the tool classify or of an earlier run.
  parcels:
    type: File
    label: Parcels
    doc: The parcels that were classified, GeoPackage, Shapefile, GeoParquet or GeoJSON.
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
  crop_before:
    type: string?
    label: Field of the crop before
    doc: Field of the parcels with the main crop before the winter, named on the curves.
  crop_after:
    type: string?
    label: Field of the crop after
    doc: Field of the parcels with the main crop after the winter, named on the curves.
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
  season:
    label: Date the cover crops
    doc: Emergence, termination and maxima.
    run: ../cwl/season.cwl
    in:
      series: series
      markers: markers
      classes: classes
    out: [table]
  soil:
    label: Find bare soil
    doc: Intervals of bare and non-bare soil.
    run: ../cwl/soil.cwl
    in:
      markers: markers
      start: start
      end: end
      weather: weather
    out: [table]
  harvest:
    label: Estimate the harvest
    doc: Harvest week of the main crop, used where no L4C product is given.
    run: ../cwl/harvest.cwl
    in:
      series: series
      markers: markers
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
      classes: classes
    out: [table]
  report:
    label: Report
    doc: Maps, curves and all result files in one folder.
    run: ../cwl/report.cwl
    in:
      parcels: parcels
      id_field: id_field
      series: series
      markers: markers
      classes: classes
      season: season/table
      intercrop: intercrop/table
      harvest:
        source: [practices, harvest/table]
        pickValue: first_non_null
      soil: soil/table
      crop_before: crop_before
      crop_after: crop_after
      keep_markers: keep_markers
    out: [folder]
outputs:
  results:
    type: Directory
    label: Results
    doc: All result files, maps, curves and index.html, as a STAC catalogue.
    outputSource: report/folder
