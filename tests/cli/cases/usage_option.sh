pinhole run --inptu x.npy lenet5
