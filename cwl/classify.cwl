cwlVersion: v1.2
class: CommandLineTool
id: classify
label: Winter cover crop or none
doc: "Classify each parcel: winter cover crop or none, with confidence."
baseCommand: [sen4cap, classify]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/train:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 8192}
  NetworkAccess: {networkAccess: false}
inputs:
  series:
    type: File
    label: Daily parcel series
    doc: Daily parcel series, from `sen4cap smooth`.
    inputBinding: {prefix: --series}
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
  insitu:
    type: File?
    label: In-situ data
    doc: "CSV of parcels whose class is known: trains the forest, or measures the accuracy."
    inputBinding: {prefix: --insitu}
  samples:
    type:
      type: array
      items: File
      inputBinding: {prefix: --samples}
    default: []
    label: Samples of earlier seasons
    doc: Training samples of an earlier season (its model_samples.npz), learnt from as well; repeat for several.
  model:
    type: File?
    label: Saved model
    doc: Saved model (model.npz of an earlier run), used instead of training.
    inputBinding: {prefix: --model}
  method:
    type:
      type: enum
      symbols: [forest, threshold]
    label: Method
    doc: Random forest (needs --insitu or --model), or thresholds on LAI and FCOVER.
    default: "forest"
    inputBinding: {prefix: --method}
  id_column:
    type: string
    label: Identifier column
    doc: Column of the in-situ CSV with the identifier.
    default: "NewID"
    inputBinding: {prefix: --id-column}
  class_column:
    type: string
    label: Class column
    doc: Column of the in-situ CSV with the class.
    default: "class"
    inputBinding: {prefix: --class-column}
  class_map:
    type: string
    label: Class map
    doc: Which text in the class column means winter cover crop (1) and none (2), such as wcc=1,none=2.
    default: "1=1,2=2"
    inputBinding: {prefix: --class-map}
  skip_invalid:
    type: boolean
    label: Skip faulty rows
    doc: Leave out faulty rows of the in-situ CSV, and say which, instead of refusing it.
    default: false
    inputBinding: {prefix: --skip-invalid}
  crops:
    type: File?
    label: Crop roles
    doc: "CSV crop_code,role (winter, spring, grass, permanent, other): chooses the candidates."
    inputBinding: {prefix: --crops}
  crop_before:
    type: string?
    label: Field of the crop before
    doc: Field of the parcels with the crop code before the winter.
    inputBinding: {prefix: --crop-before}
  crop_after:
    type: string?
    label: Field of the crop after
    doc: Field of the parcels with the crop code after the winter.
    inputBinding: {prefix: --crop-after}
  harvest:
    type: File?
    label: Harvest weeks
    doc: "Harvest weeks (harvest.csv or L4C): the threshold method looks at the days after them only."
    inputBinding: {prefix: --harvest}
  min_pixels:
    type: int
    label: Fewest pixels
    doc: Parcels with fewer Sentinel-2 pixels are no candidates, where the parcels have the field S2Pix.
    default: 3
    inputBinding: {prefix: --min-pixels}
  min_looks:
    type: int
    label: Fewest looks
    doc: Parcels with fewer clear looks in the season are not classified.
    default: 3
    inputBinding: {prefix: --min-looks}
  variables:
    type: string
    label: Variables
    doc: "Variables of the series to train on, such as LAI,FCOVER; empty: all it has."
    default: ""
    inputBinding: {prefix: --variables}
  season_start:
    type: string
    label: First day of the season
    doc: First day the forest looks at, MM-DD.
    default: "08-01"
    inputBinding: {prefix: --season-start}
  season_end:
    type: string
    label: Last day of the season
    doc: Last day the forest looks at, MM-DD.
    default: "05-31"
    inputBinding: {prefix: --season-end}
  step:
    type: int
    label: Grid step
    doc: Days of one grid value.
    default: 10
    inputBinding: {prefix: --step}
  trees:
    type: int
    label: Trees
    doc: Trees of the forest.
    default: 300
    inputBinding: {prefix: --trees}
  min_leaf:
    type: int
    label: Fewest parcels in a leaf
    doc: Fewest training parcels in a leaf.
    default: 3
    inputBinding: {prefix: --min-leaf}
  shift:
    type: int
    label: Shift
    doc: "Train on each series shifted by so many days to either side as well, against years that differ; 0: not."
    default: 8
    inputBinding: {prefix: --shift}
  folds:
    type: int
    label: Folds
    doc: Folds of the cross-validation over spatial blocks.
    default: 5
    inputBinding: {prefix: --folds}
  block_size:
    type: double
    label: Block size
    doc: "Edge of a spatial block, m; 0: a tenth of the extent, at most 10 km. Smaller where folds would be uneven."
    default: 0.0
    inputBinding: {prefix: --block-size}
  min_samples:
    type: int
    label: Fewest in-situ parcels
    doc: Fewest usable in-situ parcels of each class to train on.
    default: 5
    inputBinding: {prefix: --min-samples}
  label_noise:
    type: double
    label: Wrong labels
    doc: "Share of the in-situ classes that are wrong (HRL layer: about 0.1); the confidence is corrected for it."
    default: 0.0
    inputBinding: {prefix: --label-noise}
  by_months:
    type: boolean
    label: Accuracy by months
    doc: Measure as well how accurate the classes are where the season is known up to the end of each month only.
    default: false
    inputBinding: {prefix: --by-months}
  seed:
    type: int
    label: Seed
    doc: Seed of every random draw.
    default: 1
    inputBinding: {prefix: --seed}
  lai_level:
    type: double
    label: LAI level
    doc: "Thresholds: LAI that is kept, m2/m2."
    default: 0.3
    inputBinding: {prefix: --lai-level}
  fcover_level:
    type: double
    label: FCOVER level
    doc: "Thresholds: FCOVER that is kept, 0 to 1."
    default: 0.15
    inputBinding: {prefix: --fcover-level}
  min_days:
    type: int
    label: Fewest days
    doc: "Thresholds: days on end that both are kept, up to 31 December."
    default: 30
    inputBinding: {prefix: --min-days}
  lai_margin:
    type: double
    label: LAI margin
    doc: "Thresholds: rise of LAI from the autumn's minimum to the peak, m2/m2."
    default: 0.5
    inputBinding: {prefix: --lai-margin}
  fcover_margin:
    type: double
    label: FCOVER margin
    doc: "Thresholds: rise of FCOVER from the autumn's minimum to the peak, 0 to 1."
    default: 0.25
    inputBinding: {prefix: --fcover-margin}
  longest_gap:
    type: int
    label: Longest gap
    doc: "Thresholds: days without a clear look in autumn that may hide a harvest."
    default: 45
    inputBinding: {prefix: --longest-gap}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "Folder to write: wcc.csv, wcc.gpkg, wcc.parquet, model.npz, accuracy.json, catalog.json."
    default: "wcc"
    inputBinding: {prefix: --output}
outputs:
  folder:
    type: Directory
    label: Classified parcels
    doc: Classes, layer with its style, details, model, accuracy, as a STAC catalogue.
    outputBinding: {glob: $(inputs.output)}
  table:
    type: File
    label: Classes
    doc: "wcc.csv: a row for every classified parcel."
    outputBinding: {glob: $(inputs.output)/wcc.csv}
  trained:
    type: File?
    label: Model
    doc: "model.npz: serves as --model for another season; absent with the threshold method."
    outputBinding: {glob: $(inputs.output)/model.npz}
  learnt_from:
    type: File?
    label: Training samples
    doc: "model_samples.npz: serves as --samples in later seasons; there where a forest was trained."
    outputBinding: {glob: $(inputs.output)/model_samples.npz}
