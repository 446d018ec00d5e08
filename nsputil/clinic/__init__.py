"""The clinic: training that fails, diagnosed with evidence. Introduced in notebooks 09 and 10.

`programs` are healthy trainings; `faults` are real defects to put into them; `signals` reads a `Run`; `probes` are
experiments on the suspect pipeline; `diagnosis` ranks causes; `cases` is a bank of runs to practise on.
"""
