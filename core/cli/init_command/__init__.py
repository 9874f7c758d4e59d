"""The command `acc init`.

`command` runs it. `log_choices` and `stage_choices` take each choice from an option or a question and check it at once.
`pipeline_text` writes the file.
"""
