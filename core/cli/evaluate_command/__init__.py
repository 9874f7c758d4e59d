"""The command `acc evaluate`.

`command` runs it. `bots` opens the models and finds the corpus. `canaries` and `blind` serve two of its options.
"""
