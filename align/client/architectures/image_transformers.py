"""Architectures of transformers that make images."""

from __future__ import annotations

from align.client.architectures.architecture import NO_UNET, Architecture, Marks

FLUX_ADVICE = "Choose an SDXL checkpoint, or tune it with a trainer for FLUX."
HIDREAM = Architecture(
    "HiDream",
    "a transformer whose blocks choose among experts, with four text encoders",
    NO_UNET,
    whole=(Marks(("\ncaption_projection_0_linear", "\nt_embedder1_mlp_0")),),
    layers=(Marks(("double_stream_blocks_", "single_stream_blocks_")),),
    pipelines=("HiDream",),
    ggufs=("hidream",),
    notes=("hidream",),
)
AURAFLOW = Architecture(
    "AuraFlow",
    "a transformer that predicts a flow, with T5 as its text encoder",
    NO_UNET,
    whole=(Marks(("double_layers_0_attn_w1q", "\ncond_seq_linear")),),
    layers=(Marks(("joint_transformer_blocks_", "double_layers_", "_ff_linear_1", "_ff_linear_2",
                   "_ff_context_linear_1")),),
    pipelines=("AuraFlow",),
    ggufs=("aura",),
    notes=("auraflow", "aura flow"),
)  # fmt: skip
SD_35_LARGE = Architecture(
    "Stable Diffusion 3.5 Large",
    "a transformer of 8 billion weights with three text encoders",
    "and Palate tunes SDXL's UNet alone",
    "Choose an SDXL checkpoint, which is of the same authors.",
    whole=(Marks(("joint_blocks_37_",)),),
    blocks=(("transformer_blocks_", "attn", 2432),),
)
SD_3 = Architecture(
    "Stable Diffusion 3",
    "a transformer that predicts a flow, with three text encoders",
    "and Palate tunes SDXL's UNet alone",
    "Choose an SDXL checkpoint, which is of the same authors.",
    layers=(Marks(("joint_blocks_",)),),
    blocks=(("transformer_blocks_", "attn", 1536),),
    pipelines=("StableDiffusion3",),
    ggufs=("sd3",),
    notes=("stable diffusion 3", "stable diffusion v3", "sd3", "sd 3"),
)
QWEN_IMAGE = Architecture(
    "Qwen-Image",
    "a transformer of 20 billion weights with a language model as its text encoder",
    NO_UNET,
    whole=(Marks(("\ntxt_norm\n", "\ntxt_in_text_norm\n"), ("double_blocks_",)),),
    layers=(Marks(("txt_mlp_net_", "img_mod_1")),),
    pipelines=("QwenImage",),
    ggufs=("qwen_image", "qwen_image21"),
    notes=("qwen",),
)
CHROMA = Architecture(
    "Chroma",
    "FLUX.1 with its guidance put into a small network of its own",
    NO_UNET,
    "Choose an SDXL checkpoint, or tune it with a trainer for Chroma.",
    layers=(Marks(("distilled_guidance_layer",)),),
    pipelines=("Chroma",),
    ggufs=("chroma",),
    notes=("chroma",),
)
FLUX_2 = Architecture(
    "FLUX.2",
    "a transformer of up to 32 billion weights with a language model as its text encoder",
    NO_UNET,
    "Choose an SDXL checkpoint, or tune it with a trainer for FLUX.2.",
    layers=(Marks(("double_stream_modulation", "single_stream_modulation", "to_qkv_mlp_proj",
                   "ff_linear_in", "ff_context_linear_in")),),
    blocks=(("transformer_blocks_", "attn", 4096), ("transformer_blocks_", "attn", 6144)),
    pipelines=("Flux2",),
    ggufs=("flux2",),
    notes=("flux2", "flux 2"),
)  # fmt: skip
HUNYUAN_IMAGE = Architecture(
    "HunyuanImage",
    "a transformer of 17 billion weights with a language model as its text encoder",
    NO_UNET,
    pipelines=("HunyuanImage",),
    notes=("hunyuan image", "hunyuanimage"),
)
SCHNELL = Architecture(
    "FLUX.1 schnell",
    "a transformer of 12 billion weights that was distilled to four steps",
    NO_UNET,
    FLUX_ADVICE,
    whole=(Marks(("\nvector_in_in_layer", "\ntime_text_embed_text_embedder"),
                 ("guidance_in", "guidance_embedder", "token_refiner", "pos_embed_proj")),),
)  # fmt: skip
FLUX = Architecture(
    "FLUX.1",
    "a transformer of 12 billion weights that predicts a flow",
    NO_UNET,
    FLUX_ADVICE,
    layers=(Marks(("double_blocks_", "single_blocks_", "single_transformer_blocks_")),),
    blocks=(("transformer_blocks_", "attn", 3072),),
    pipelines=("Flux",),
    ggufs=("flux",),
    notes=("flux",),
)
OVIS = Architecture(
    "Ovis-Image",
    "a transformer built like FLUX.1, with a language model as its text encoder",
    NO_UNET,
    whole=(Marks(("\ncontext_embedder_norm", "double_blocks_0_img_mlp_gate_proj")),),
    pipelines=("OvisImage",),
)
LONGCAT = Architecture(
    "LongCat-Image or Bria",
    "a transformer built like FLUX.1, with a text encoder of its own",
    NO_UNET,
    whole=(
        Marks(("\nsingle_transformer_blocks_0_",), all_of=("\ntime_embed_timestep_embedder_",)),
    ),
    pipelines=("LongCatImage", "Bria"),
)
PRX = Architecture(
    "PRX",
    "a small transformer with T5 as its text encoder",
    NO_UNET,
    whole=(Marks(("_img_qkv_proj",), all_of=("\ntxt_in\n", "\ntime_in_in_layer")),),
    pipelines=("PRX",),
)
Z_IMAGE = Architecture(
    "Z-Image",
    "a transformer of 6 billion weights with a language model as its text encoder",
    NO_UNET,
    whole=(Marks(("\ncap_pad_token\n", "\nall_x_embedder")),),
    layers=(Marks(("context_refiner_",), ("attn_to_q",)),),
    blocks=(("layers_", "attention", 3840), ("layers_", "feed_forward", 3840)),
    pipelines=("ZImage",),
    ggufs=("z_image", "zimage"),
    notes=("zimage", "z image"),
)
OMNIGEN = Architecture(
    "OmniGen",
    "a transformer that edits and combines images as it is told to",
    NO_UNET,
    whole=(
        Marks(
            (
                "ref_image_refiner",
                "image_index_embedding",
                "\ninput_x_embedder",
                "\npatch_embedding_input_image_proj",
            )
        ),
    ),
    pipelines=("OmniGen",),
    notes=("omnigen",),
)
LUMINA = Architecture(
    "Lumina",
    "a transformer that predicts a flow, with a language model as its text encoder",
    NO_UNET,
    layers=(Marks(("context_refiner_", "noise_refiner_", "cap_embedder")),),
    blocks=(("layers_", "attn", 2304), ("layers_", "attention", 2304),
            ("layers_", "feed_forward", 2304)),
    pipelines=("Lumina",),
    ggufs=("lumina2",),
    notes=("lumina",),
)  # fmt: skip
ANIMA = Architecture(
    "Anima",
    "a transformer of Cosmos's kind that was trained on drawings",
    NO_UNET,
    "Choose an SDXL checkpoint such as Illustrious, which was trained on drawings, too.",
    whole=(Marks(("llm_adapter_blocks_",)),),
    ggufs=("anima",),
    # Not Animagine, which is SDXL's.
    notes=("anima ",),
)
SANA = Architecture(
    "Sana",
    "a transformer with linear attention, whose latents are 32 times smaller than the image",
    NO_UNET,
    whole=(Marks(("conv_inverted", "inverted_conv")),),
    layers=(Marks(("conv_inverted", "inverted_conv")),),
    blocks=(("transformer_blocks_", "attn1", 2240),),
    pipelines=("Sana",),
    ggufs=("sana",),
    notes=("sana",),
)
PIXART = Architecture(
    "PixArt",
    "a small transformer with T5 as its text encoder",
    NO_UNET,
    whole=(Marks(("\nt_block_1\n",)), Marks(("\nadaln_single_",), all_of=("\npos_embed_proj",))),
    blocks=(("blocks_", "attn", 1152),),
    pipelines=("PixArt",),
    ggufs=("pixart",),
    notes=("pixart",),
)
PIXART_OR_SANA = Architecture(
    "PixArt or Sana",
    "a small transformer with a text encoder of its own",
    NO_UNET,
    layers=(Marks(("cross_attn_kv_linear", "cross_attn_q_linear", "y_embedder_y_proj")),),
    blocks=(("transformer_blocks_", "attn1", 1152),),
)
HUNYUAN_DIT = Architecture(
    "HunyuanDiT",
    "a transformer with two text encoders, one of them for Chinese",
    NO_UNET,
    whole=(Marks(("\nmlp_t5_0\n", "\ntime_extra_emb_")),),
    layers=(Marks(("attn1_Wqkv", "attn2_kv_proj")),),
    pipelines=("HunyuanDiT",),
    ggufs=("hydit",),
    notes=("hunyuandit", "hunyuan dit"),
)
COGVIEW = Architecture(
    "CogView",
    "a transformer with a language model as its text encoder",
    NO_UNET,
    whole=(Marks(("\ntime_condition_embed_",)),),
    pipelines=("CogView",),
    notes=("cogview",),
)
KREA = Architecture(
    "Krea 2",
    "a transformer with a language model as its text encoder",
    NO_UNET,
    whole=(Marks(("txtfusion_projector", "\ntext_fusion_")),),
    pipelines=("Krea2",),
    ggufs=("krea2",),
    notes=("krea 2", "krea2"),
)
IDEOGRAM = Architecture(
    "Ideogram 4",
    "a transformer that reads text and images as one row",
    NO_UNET,
    whole=(Marks(("embed_image_indicator",)),),
    pipelines=("Ideogram4",),
    ggufs=("ideogram", "ideogram4"),
    notes=("ideogram",),
)
