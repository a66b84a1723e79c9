cwlVersion: v1.2
class: CommandLineTool
id: pixels
label: Map dates pixel by pixel
doc: Map emergence and termination of winter cover crops at 10 m, pixel by pixel.
baseCommand: [sen4cap, pixels]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 2048, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  items:
    type: Directory
    label: Images
    doc: "Sentinel-2 L2A scenes or L3B products of one tile: folder of a STAC catalogue."
    inputBinding: {prefix: --items}
  parcels:
    type: File?
    label: Parcels
    doc: Map only pixels of these parcels; if not given, all.
    inputBinding: {prefix: --parcels}
  id_field:
    type: string
    label: Identifier field
    doc: Field of the parcels that holds the integer identifier.
    default: NewID
    inputBinding: {prefix: --id-field}
  start:
    type: string
    label: First day
    doc: First day of the images to use; take it before the harvest of the main crop.
    inputBinding: {prefix: --start}
  end:
    type: string
    label: Last day
    doc: Last day of the images to use, included; take it after the emergence of the next main crop.
    inputBinding: {prefix: --end}
  season_start:
    type: string
    label: Season start
    doc: First day of the season, MM-DD; nothing emerges before it.
    default: "08-01"
    inputBinding: {prefix: --season-start}
  season_end:
    type: string
    label: Season end
    doc: Last day of the season, MM-DD; what stands longer has no termination.
    default: "05-31"
    inputBinding: {prefix: --season-end}
  latest_emergence:
    type: string
    label: Latest emergence
    doc: Growth that begins after this day, MM-DD, is taken for the next main crop.
    default: "01-31"
    inputBinding: {prefix: --latest-emergence}
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
  threads:
    type: int
    label: Threads
    doc: "Threads to use; 0: every core this process may use."
    default: 0
    inputBinding: {prefix: --threads}
  output:
    type: string
    label: Output name
    doc: "Folder to write: a STAC catalogue with the maps."
    default: pixels
    inputBinding: {prefix: --output}
outputs:
  maps:
    type: Directory
    label: Maps
    doc: STAC catalogue of one item with the maps as cloud-optimised GeoTIFFs.
    outputBinding: {glob: $(inputs.output)}
