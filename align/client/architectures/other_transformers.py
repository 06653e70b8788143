"""Architectures of transformers for videos, for sound, and for text."""

from __future__ import annotations

from align.client.architectures.architecture import NO_UNET, NO_VIDEO, Architecture, Marks

HUNYUAN_VIDEO = Architecture(
    "HunyuanVideo",
    "a transformer of 13 billion weights that makes videos",
    NO_VIDEO,
    layers=(Marks(("individual_token_refiner", "img_attn_q_proj", "img_mod_linear",
                   "img_mlp_fc1", "txt_mlp_fc1", "token_refiner_refiner_blocks")),),
    pipelines=("HunyuanVideo", "HunyuanSkyreels"),
    ggufs=("hyvid",),
    notes=("hunyuan video", "hunyuanvideo", "framepack"),
)  # fmt: skip
HUNYUAN = Architecture("Hunyuan", notes=("hunyuan",))
LANGUAGE_MODEL = Architecture(
    "a language model",
    "which writes text or reads the prompts of another architecture",
    "and Palate tunes models that make images",
    layers=(
        Marks(("mlp_gate_proj", "mlp_up_proj", "self_attn_o_proj", "attn_c_attn",
               "attention_self_query", "lm_head")),
        Marks(("self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj"), ("blocks_",)),
    ),
    ggufs=("t5", "t5encoder", "llama", "qwen2vl", "qwen3", "qwen3vl", "gemma3", "mistral", "phi3"),
)  # fmt: skip
COSMOS = Architecture(
    "Cosmos",
    "a transformer that makes videos of what a robot or a car may see",
    NO_VIDEO,
    whole=(Marks(("blocks_block0_blocks_0_block_attn_to_q_0", "\nblocks_0_mlp_layer1",
                  "extra_pos_embedder", "\ntime_embed_t_embedder_")),),
    layers=(Marks(("self_attn_q_proj", "self_attn_output_proj", "adaln_modulation_self_attn")),),
    pipelines=("Cosmos",),
    ggufs=("cosmos",),
    notes=("cosmos",),
)  # fmt: skip
WAN = Architecture(
    "Wan",
    "a transformer of up to 14 billion weights that makes videos",
    NO_VIDEO,
    whole=(Marks(("\nhead_modulation\n", "\ncondition_embedder_time_embedder")),),
    layers=(
        Marks(("blocks_0_self_attn", "blocks_0_cross_attn", "_ffn_0", "_attn2_to_k_img",
               *(f"_{attention}_attn_{end}\n" for attention in ("self", "cross")
                 for end in ("q", "k", "v", "o", "k_img", "v_img"))),
              ("transformer_blocks_",)),
    ),
    blocks=tuple(("blocks_", "attn1", width) for width in (1536, 3072, 5120)),
    pipelines=("Wan", "SkyReelsV2", "ChronoEdit", "LucyEdit"),
    ggufs=("wan",),
    notes=("wan ", "wan2", "wan 2", "wanvideo"),
)  # fmt: skip
MOCHI = Architecture(
    "Mochi",
    "a transformer of 10 billion weights that makes videos",
    NO_VIDEO,
    whole=(Marks(("\nt5_yproj",)),),
    layers=(Marks(("attn_qkv_x", "attn_qkv_y", "attn1_add_q_proj", "attn1_add_k_proj")),),
    pipelines=("Mochi",),
    notes=("mochi",),
)
LTX = Architecture(
    "LTX-Video",
    "a transformer that makes videos, in some versions with sound",
    NO_VIDEO,
    whole=(Marks(("\nadaln_single_emb_timestep_embedder", "\ntime_embed_emb_timestep_embedder"),
                 ("\npos_embed_proj", "add_q_proj")),),
    layers=(Marks(("patchify_proj", "av_ca_")),),
    blocks=(("transformer_blocks_", "attn1", 2048),),
    pipelines=("LTX",),
    ggufs=("ltxv", "ltx2"),
    notes=("ltx",),
)  # fmt: skip
COGVIDEO = Architecture(
    "CogVideoX",
    "a transformer that makes videos, with T5 as its text encoder",
    NO_VIDEO,
    whole=(Marks(("\nblocks_0_norm1_linear", "\npatch_embed_text_proj"),
                 ("\ntime_condition_embed_",)),),
    blocks=tuple(("transformer_blocks_", "attn1", width) for width in (1920, 3072)),
    pipelines=("CogVideoX", "ConsisID"),
    notes=("cogvideo",),
)  # fmt: skip
KANDINSKY_5 = Architecture(
    "Kandinsky 5",
    "a transformer with a language model as its text encoder, for images and videos",
    NO_UNET,
    whole=(Marks(("\nvisual_transformer_blocks_", "\nvisual_embeddings_in_layer")),),
    pipelines=("Kandinsky5", "Kandinsky6"),
)
AUDIO = Architecture(
    "an audio model",
    "which makes sound or music",
    "and Palate compares images",
    whole=(Marks(("rotary_pos_emb_inv_freq", "\ngenre_embedder", "lyric_encoder",
                  "\nto_cond_embed_0")),),
    pipelines=("StableAudio", "AceStep", "AudioLDM", "MusicLDM", "LongCatAudio"),
)  # fmt: skip
