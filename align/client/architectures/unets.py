"""Architectures with a UNet: SDXL, its relatives, and what came before."""

from __future__ import annotations

from align.client.architectures.architecture import NO_VIDEO, Architecture, Marks

FROM_TEXT_ALONE = "Choose the version of it that makes images from text alone."
SDXL = Architecture(
    "SDXL",
    opens=True,
    pipelines=("StableDiffusionXL",),
    ggufs=("sdxl",),
    notes=("stable diffusion xl", "sdxl", "sd xl"),
)
PLAYGROUND = Architecture("Playground v2.5 (SDXL with EDM's schedule)", opens=True)
KOLORS = Architecture(
    "Kolors",
    "SDXL's UNet with a language model in place of both text encoders",
    "and Palate encodes prompts with SDXL's two",
    pipelines=("Kolors",),
    notes=("kolors",),
)
REFINER = Architecture(
    "the SDXL refiner",
    "a UNet that only finishes images of SDXL's base",
    "and Palate tunes the base",
    "Choose the SDXL checkpoint that it was made for; it renders well without the refiner.",
    pipelines=("StableDiffusionXLImg2Img",),
    notes=("sdxl refiner", "sd xl refiner", "stable diffusion xl v1 refiner"),
)
INPAINTING = Architecture(
    "SDXL inpainting",
    "whose UNet is given a mask and a masked image beside the latents, 9 channels in all",
    "and Palate makes images from text alone",
    FROM_TEXT_ALONE,
    pipelines=("StableDiffusionXLInpaint",),
)
EDITING = Architecture(
    "SDXL instruct-pix2pix",
    "whose UNet is given an image to edit beside the latents, 8 channels in all",
    "and Palate makes images from text alone",
    FROM_TEXT_ALONE,
    pipelines=("StableDiffusionXLInstructPix2Pix",),
)
OTHER_SDXL = Architecture(
    "SDXL with other input channels",
    "whose UNet is given more than the latents",
    "and Palate makes images from text alone",
    FROM_TEXT_ALONE,
)
CONTROLNET = Architecture(
    "SDXL with a ControlNet",
    "whose images follow a drawing, a pose or a depth map",
    "and Palate makes images from text alone",
    "Choose the SDXL model without the ControlNet.",
    pipelines=("StableDiffusionXLControlNet", "StableDiffusionXLAdapter"),
)
PRUNED_ADVICE = (
    "Choose its folder in diffusers' form, whose configuration tells them, or an SDXL checkpoint."
)
SSD_1B, VEGA, KOALA = (
    Architecture(
        name,
        f"SDXL with {less}",
        "and Palate cannot tell from one file how its layers are arranged",
        PRUNED_ADVICE,
        notes=notes,
    )
    for name, less, notes in (
        ("SSD-1B", "half of its transformers left out", ("ssd 1b", "ssd1b")),
        ("Segmind Vega", "two thirds of its transformers left out", ("segmind vega",)),
        ("KOALA", "a layer of each block left out", ("koala 700m", "koala 1b")),
    )
)
NAMED_SDXL = tuple(
    Architecture(f"{name} (SDXL)", opens=True, notes=(name.lower(),))
    for name in ("Pony", "Illustrious")
)
"""Models that only their metadata tells from SDXL."""
SD_1 = Architecture(
    "Stable Diffusion 1.5",
    "a smaller UNet with one text encoder, made for 512 pixels",
    advice="Choose an SDXL checkpoint: most authors have made one in the same style.",
    ggufs=("sd1",),
    notes=("stable diffusion v1", "stable diffusion 1", "sd v1", "sd1", "sd 1"),
)
SD_2 = Architecture(
    "Stable Diffusion 2",
    "a smaller UNet with OpenCLIP's text encoder alone",
    advice="Choose an SDXL checkpoint, which came after it.",
    ggufs=("sd2",),
    notes=("stable diffusion v2", "stable diffusion 2", "sd v2", "sd2", "sd 2"),
)
SD_1_OR_2 = Architecture(
    "Stable Diffusion 1.5 or 2",
    "a smaller UNet with one text encoder",
    advice="Choose an SDXL checkpoint: most authors have made one in the same style.",
    pipelines=("StableDiffusion", "LatentConsistencyModel", "StableUnCLIP", "AltDiffusion"),
)
SD_EDITING = Architecture(
    "Stable Diffusion with more input channels",
    "a smaller UNet that fills in, edits, turns or enlarges a given image",
    "and Palate makes images from text with SDXL alone",
    pipelines=("StableDiffusionInpaint", "StableDiffusionInstructPix2Pix",
               "StableDiffusionUpscale", "StableDiffusionLatentUpscale", "StableDiffusionDepth2Img",
               "PaintByExample"),
)  # fmt: skip
SVD = Architecture(
    "Stable Video Diffusion",
    "a UNet that makes videos of an image",
    NO_VIDEO,
    layers=(Marks(("temporal_transformer_blocks", "time_mix_blocks", "time_stack")),),
    pipelines=("StableVideoDiffusion",),
)
ANIMATEDIFF = Architecture(
    "AnimateDiff",
    "a UNet of Stable Diffusion with layers between images",
    NO_VIDEO,
    layers=(Marks(("motion_modules",)),),
    pipelines=("AnimateDiff", "PIA"),
)
MODELSCOPE = Architecture(
    "a video model of ModelScope's kind",
    "a UNet with layers between images",
    NO_VIDEO,
    layers=(Marks(("temp_attentions", "temp_convs", "transformer_in_")),),
    pipelines=("TextToVideo", "VideoToVideoSD", "I2VGenXL"),
)
KANDINSKY = Architecture(
    "Kandinsky",
    "a UNet that is given an image's embedding, which a second model makes of the text",
    whole=(
        Marks(("add_k_proj",), ("transformer_blocks_",), ("down_blocks_",)),
        Marks(("\nadd_time_condition_",)),
    ),
    pipelines=("KandinskyV22", "Kandinsky3", "KandinskyC", "KandinskyI", "KandinskyP"),
    notes=("kandinsky",),
)
DEEPFLOYD = Architecture(
    "DeepFloyd IF",
    "a UNet that works on pixels, with T5 as its text encoder",
    "and Palate tunes SDXL, which works on latents",
    whole=(Marks(("add_embedding_pool",)),),
    pipelines=("IFPipeline", "IFImg2Img", "IFInpainting", "IFSuperResolution"),
)
CASCADE = Architecture(
    "Stable Cascade",
    "two models in a row, one of them for latents 42 times smaller than the image",
    "and Palate tunes one UNet, SDXL's",
    whole=(Marks(("clip_txt_mapper", "clip_txt_pooled_mapper", "channelwise_0", "\nclf_1\n")),),
    layers=(Marks(("clip_txt_pooled_mapper", "attention_attn_", "kv_mapper")),),
    pipelines=("StableCascade", "Wuerstchen"),
    notes=("cascade", "stable cascade", "wuerstchen"),
)
VIDEO_UNETS = (ANIMATEDIFF, SVD, MODELSCOPE)
PRUNED_BY_DEPTH = {2: VEGA, 4: SSD_1B, 5: KOALA, 6: KOALA}
"""By the most transformers that an attention of the down blocks holds; SDXL's hold 10."""
UNETS = (
    *(KOLORS, REFINER, *NAMED_SDXL, SSD_1B, VEGA, KOALA, PLAYGROUND, INPAINTING, EDITING),
    *(OTHER_SDXL, CONTROLNET, SDXL, SD_EDITING, SD_1, SD_2, SD_1_OR_2, *VIDEO_UNETS),
    *(DEEPFLOYD, KANDINSKY, CASCADE),
)
TEXT_WIDTHS = {768: SD_1, 1024: SD_2, 1280: REFINER, 2048: SDXL}
"""UNets by the width of the text embeddings that their cross-attention takes."""
