cwlVersion: v1.2
class: Workflow
id: lai-product
label: LAI, FAPAR and FCOVER products (L3B)
doc: Fetches Sentinel-2 L2A and writes the L3B raster product of every date, as cloud-optimised GeoTIFFs in a STAC catalogue.
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
    type: File?
    label: Parcels
    doc: Parcels whose extent is fetched; give them or a box.
  bbox:
    type: string?
    label: Box
    doc: West, south, east, north in degrees, comma-separated; give it or parcels.
  start:
    type: string
    label: First day
    doc: First day, YYYY-MM-DD.
  end:
    type: string
    label: Last day
    doc: Last day, included, YYYY-MM-DD.
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
    doc: Neural network that turns reflectance into LAI, FAPAR and FCOVER.
    default: sen4cap-allbands
  variables:
    type: string
    label: Variables
    doc: What to compute, comma-separated, of LAI, FAPAR, FCOVER and NDVI.
    default: LAI,FCOVER
steps:
  fetch:
    label: Fetch the images
    doc: Clip the Sentinel-2 items of the span to the area.
    run: ../cwl/fetch.cwl
    in:
      catalog: catalog
      collection: collection
      parcels: parcels
      bbox: bbox
      start: start
      end: end
    out: [items]
  lai:
    label: Compute the products
    doc: LAI, FAPAR and FCOVER with their flags.
    run: ../cwl/lai.cwl
    in:
      items: fetch/items
      network: network
      variables: variables
    out: [products]
outputs:
  products:
    type: Directory
    label: L3B products
    doc: One item a date, as a STAC catalogue.
    outputSource: lai/products
