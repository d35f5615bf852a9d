pinhole
