pinhole analize lenet5
