pinhole check lenet5
expect 0 pinhole export lenet5 -o a.onnx
pinhole check a.onnx
