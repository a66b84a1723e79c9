cwlVersion: v1.2
class: Workflow
id: intercropping
label: Intercropping period
doc: >-
  Dates the winter cover crops of classified parcels and says how the time between the two main crops was spent: bare or
  not, before, during and after the cover crop.
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
    type: File?
    label: Classes
    doc: wcc.csv from the tool classify; without it every parcel of the series is dated.
  start:
    type: string
    label: First day
    doc: First day to look at, YYYY-MM-DD; before the main harvest of the first year.
  end:
    type: string
    label: Last day
    doc: Last day to look at, YYYY-MM-DD; after the emergence of the next main crop.
  practices:
    type: File?
    label: Agricultural practices (L4C)
    doc: L4C product with the harvest weeks; without it they are estimated from the series.
  weather:
    type: File?
    label: Weather
    doc: CSV date,precipitation_mm; looks soon after rain are then left out of the bare-soil detection.
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
outputs:
  characteristics:
    type: File
    secondaryFiles: [^_details.parquet]
    label: Characteristics
    doc: season.csv, with its details beside it.
    outputSource: season/table
  soil_intervals:
    type: File
    secondaryFiles: [^_details.parquet]
    label: Bare-soil intervals
    doc: soil.csv, with its details beside it.
    outputSource: soil/table
  harvest_weeks:
    type: File
    label: Harvest weeks
    doc: The L4C product where it is given, else harvest.csv.
    outputSource: [practices, harvest/table]
    pickValue: first_non_null
  period:
    type: File
    secondaryFiles: [^_details.parquet]
    label: Intercropping period
    doc: intercrop.csv, with its details beside it.
    outputSource: intercrop/table
