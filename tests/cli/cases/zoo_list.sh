# the table of the networks in the box
pinhole zoo
