"""What it meant: data frames in, verdicts and pages out; reads run directories and nothing else."""
