cwlVersion: v1.2
class: CommandLineTool
id: lai
label: LAI, FAPAR, FCOVER
doc: "Estimate LAI, FAPAR, FCOVER and NDVI of Sentinel-2 scenes: the L3B product."
baseCommand: [sen4cap, lai]
hints:
  DockerRequirement: {dockerPull: "ghcr.io/sen4cap/tools:0.1.0"}
requirements:
  ResourceRequirement: {coresMin: 1, coresMax: 4, ramMin: 1024, ramMax: 4096}
  NetworkAccess: {networkAccess: false}
inputs:
  items:
    type: Directory
    label: Scenes
    doc: "Sentinel-2 L2A scenes: folder of a STAC catalogue."
    inputBinding: {prefix: --items}
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
  variables:
    type: string
    label: Variables
    doc: What to estimate, out of LAI,FAPAR,FCOVER,NDVI.
    default: LAI,FCOVER
    inputBinding: {prefix: --variables}
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
    doc: "Folder to write: a STAC catalogue of L3B products."
    default: l3b
    inputBinding: {prefix: --output}
outputs:
  products:
    type: Directory
    label: L3B products
    doc: STAC catalogue; one item for each scene, one COG for each variable, its domain flags and the status flags.
    outputBinding: {glob: $(inputs.output)}
