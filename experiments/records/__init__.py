"""The run directory: the only door between measuring and reporting; its format, versioned.

::

    <run>/
      run.json                    RunRecord: what was asked, of which machine and versions, by which seed, how it ended
      manifest.json               Manifest: a SHA-256 of each file of the run, kept up as they are written
      trials/<trial id>/
        trial.json                TrialRecord: block, treatment, phases, faults planned and actual, validity, invariants
        requests.parquet          one row a request (REQUEST_SCHEMA)
        samples.parquet           one row a probe reading (SAMPLE_SCHEMA, METRICS)
        state.json                StateRecord: the final read of the business state, counted
        history.jsonl.zst         one event a line (history.Event): every operation, every fault, what was there before and after

The run directory of a capacity experiment has no trials::

    <run>/
      run.json                    CapacityRunRecord: the same of a capacity experiment
      manifest.json               as above
      measurements.parquet        one row a quantity of a measurement (MEASUREMENT_SCHEMA, QUANTITIES); whole rounds only

Every time within a trial is in seconds since that trial's epoch, the moment of the first intended arrival, on the
monotonic clock; ``TrialRecord.epoch_unix_s`` ties it to the calendar. A trial directory is written under another name and renamed when
complete, so that what is listed is whole; until then its history is two files of JSON lines in ``.scratch/<trial id>/``, which are appended
to as things happen (``journal``). ``schema`` and ``history`` are pure; ``files``,
``documents`` and ``manifest`` read and write; ``contents`` tells the files of a run from what else lies in its directory; nothing here
knows a server.
"""
