cwlVersion: v1.2
class: CommandLineTool
id: simulate
label: Simulated season
doc: Simulate a season of Sentinel-2 over parcels whose cover crops are known.
baseCommand: [sen4cap, simulate]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 8192}
  NetworkAccess: {networkAccess: false}
inputs:
  season:
    type: int
    label: Season
    doc: Year of the season's autumn.
    inputBinding: {prefix: --season}
  parcels_count:
    type: int
    label: Parcels
    doc: Number of parcels.
    inputBinding: {prefix: --parcels-count}
  seed:
    type: int
    label: Seed
    doc: Number that everything is drawn from.
    inputBinding: {prefix: --seed}
  start:
    type: string?
    label: First day
    doc: First day of the images; 1 June of the season's year unless given.
    inputBinding: {prefix: --start}
  end:
    type: string?
    label: Last day
    doc: Last day of the images, included; 15 August of the next year unless given.
    inputBinding: {prefix: --end}
  clouds:
    type:
      type: enum
      symbols: [none, clear, ordinary, dense]
    label: Cloud regime
    doc: "Cloud regime; ordinary: Belgium, two thirds of all looks are cloudy."
    default: ordinary
    inputBinding: {prefix: --clouds}
  canopy:
    type:
      type: enum
      symbols: [gap-fraction, prosail]
    label: Canopy model
    doc: "Canopy reflectance: the project's own model, or PROSAIL from the extra `prosail`."
    default: gap-fraction
    inputBinding: {prefix: --canopy}
  mean_area:
    type: double
    label: Mean parcel size
    doc: Mean size of a parcel, ha; sizes run from 0.3 to 10 ha.
    default: 2.2
    inputBinding: {prefix: --mean-area}
  insitu_share:
    type: double
    label: In-situ share
    doc: Share of the candidate parcels whose class is in insitu.csv.
    default: 0.6
    inputBinding: {prefix: --insitu-share}
  label_noise:
    type: double
    label: Label noise
    doc: Share of the parcels whose class is wrong in sce.tif; above 0 its dates are some days off too.
    default: 0.05
    inputBinding: {prefix: --label-noise}
  tile:
    type: string
    label: Tile
    doc: Sentinel-2 tile the landscape lies in.
    default: 31UFS
    inputBinding: {prefix: --tile}
  second_tile:
    type: string?
    label: Second tile
    doc: Neighbouring tile that shows the eastern two thirds, perhaps in the next zone; --tile shows the western.
    inputBinding: {prefix: --second-tile}
  crs:
    type: string
    label: Parcels' CRS
    doc: National coordinate reference system of the parcels.
    default: EPSG:31370
    inputBinding: {prefix: --crs}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: Folder to write.
    default: sim
    inputBinding: {prefix: --output}
outputs:
  season_folder:
    type: Directory
    label: Simulated season
    doc: "STAC catalogue of images with parcels.gpkg, crops.csv, insitu.csv, sce.tif, cpmch.tif, l4c.csv, weather.csv and truth.csv."
    outputBinding: {glob: $(inputs.output)}
