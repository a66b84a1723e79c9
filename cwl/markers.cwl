cwlVersion: v1.2
class: CommandLineTool
id: markers
label: Measure parcels in images
doc: "Measure every parcel in every image: mean, deviation and count of its clear pixels."
baseCommand: [sen4cap, markers]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 8192}
  NetworkAccess: {networkAccess: false}
inputs:
  items:
    type: {type: array, items: Directory, inputBinding: {prefix: --items}}
    label: Images
    doc: "Images: folder of a STAC catalogue with Sentinel-2 L2A, L3B or Sentinel-1 items; repeat for several."
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
  variables:
    type: string
    label: Variables
    doc: What to measure, out of LAI,FCOVER,FAPAR,NDVI,NBR2,AMP,RATIO,B02,B03,B04,B05,B06,B07,B08,B8A,B11,B12.
    default: LAI,FCOVER,NDVI,NBR2,B11
    inputBinding: {prefix: --variables}
  buffer:
    type: double
    label: Inner buffer
    doc: "Metres by which parcels grow before optical pixels are taken; negative: shrink, so that edges are left out."
    default: -5.0
    inputBinding: {prefix: --buffer}
  radar_buffer:
    type: double
    label: Inner buffer for radar
    doc: The same for Sentinel-1.
    default: -10.0
    inputBinding: {prefix: --radar-buffer}
  network:
    type:
      type: enum
      symbols:
        - sen4cap-allbands
        - sen4cap-rededge
        - snap-3.0-20m
        - snap-3.0-10m
        - snap-3.0-s2a-20m
        - snap-3.0-s2b-20m
        - snap-3.0-s2a-10m
        - snap-3.0-s2b-10m
        - snap-2.1-20m
    label: Network
    doc: Network of LAI, FAPAR and FCOVER, one for all; snap-3.0-20m and snap-3.0-10m go by each scene's platform.
    default: sen4cap-allbands
    inputBinding: {prefix: --network}
  clear_classes:
    type: string
    label: Clear scene classes
    doc: Scene classes (SCL) that count as clear land; 2,4,5,7 gains looks in low winter sun.
    default: "4,5"
    inputBinding: {prefix: --clear-classes}
  start:
    type: string?
    label: First day
    doc: First day of the images to use; if not given, from the first.
    inputBinding: {prefix: --start}
  end:
    type: string?
    label: Last day
    doc: Last day of the images to use, included; if not given, to the last.
    inputBinding: {prefix: --end}
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: Marker table (MDB1) to write, Arrow IPC; STEM_details.parquet goes beside it.
    default: markers.ipc
    inputBinding: {prefix: --output}
outputs:
  table:
    type: File
    label: Marker table
    doc: One row per usable parcel (MDB1); what became of every record of the parcels file stands in the details beside it.
    secondaryFiles: ["^_details.parquet"]
    outputBinding: {glob: $(inputs.output)}
