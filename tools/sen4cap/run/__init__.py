"""A run of a workflow by cwltool or Toil: watched, recorded, resumed.

Public names: `run.run`, `workflow.load`, `job.load`.
"""
