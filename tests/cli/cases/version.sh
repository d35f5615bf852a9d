pinhole --version
