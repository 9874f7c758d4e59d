"""`python -m autocakechat` is `acc`."""

from autocakechat.cli.main import main

if __name__ == "__main__":
    main()
