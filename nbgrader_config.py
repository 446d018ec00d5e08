"""The course directory of nbgrader is this repository as it is: solutions/ is its source, exercises/ its release.

    nbgrader generate_assignment 01_the_pair      what tools/release_exercises.py calls
    nbgrader autograde 01_the_pair                after submissions/ is filled

docs/exercises.md says how the cells are marked.
"""

import os

# A grader's own progress is none of the course's business.
os.environ.setdefault("NSPUTIL_PROGRESS", "off")

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "nsp-loss"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "submissions"

# A stub that runs and prints nothing: a function keeps its docstring, a variable its None. "Run All" on an untouched
# exercise raises nothing, and every check says "not done yet".
c.ClearSolutions.code_stub = {"python": "# Write your code here."}
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"

# One endless cell must not stop the grading of the others.
c.ExecutePreprocessor.timeout = 60
c.ExecutePreprocessor.interrupt_on_timeout = True
