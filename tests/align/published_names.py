"""Names and shapes that the authors of image models gave to their weights, a few of each.

They are the ones that public programs recognize the models by, with their neighbours.
"""

from __future__ import annotations

LDM = "model.diffusion_model."
VAE = {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}
CLIP_L = {"cond_stage_model.transformer.text_model.final_layer_norm.weight": (768,)}
SDXL_ENCODERS = {
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (768,),
    "conditioner.embedders.1.model.token_embedding.weight": (49408, 1280),
}  # fmt: skip


def unet(text: int, last: int, inputs: int = 4, conditions: int = 0, channels: int = 320) -> dict:
    """A UNet by the names of Stability's code; `last` is the depth of its deepest attention."""
    weights = {
        "input_blocks.0.0.weight": (channels, inputs, 3, 3),
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, text),
        "out.2.weight": (4, channels, 3, 3),
    }
    for number in range(last):
        name = f"input_blocks.8.1.transformer_blocks.{number}.attn2.to_k.weight"
        weights[name] = (1280, text)
    if conditions:
        weights["label_emb.0.0.weight"] = (1280, conditions)
    return weights


def names(*keys: str, shape: tuple[int, ...] = (8, 8)) -> dict:
    return dict.fromkeys(keys, shape)


def behind(prefix: str, weights: dict) -> dict:
    return {prefix + name: shape for name, shape in weights.items()}


SDXL = behind(LDM, unet(2048, 10, conditions=2816)) | SDXL_ENCODERS | VAE
FLUX_BLOCKS = names("double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight",
                    "txt_in.weight", "double_blocks.0.img_attn.qkv.weight",
                    "single_blocks.0.linear1.weight",
                    "time_in.in_layer.weight", "final_layer.linear.weight",
                    "vector_in.in_layer.weight", "double_blocks.0.img_mod.lin.weight",
                    "double_blocks.18.txt_mlp.2.weight")  # fmt: skip
WRONG = {
    "Stable Diffusion 1.5": behind(LDM, unet(768, 1)) | CLIP_L | VAE,
    "Stable Diffusion 2": behind(LDM, unet(1024, 1))
    | {"cond_stage_model.model.token_embedding.weight": (49408, 1024)} | VAE,
    "Stable Diffusion with more input channels": behind(LDM, unet(768, 1, 9)) | CLIP_L | VAE,
    "the SDXL refiner": behind(LDM, unet(1280, 4, conditions=2560, channels=384))
    | {"conditioner.embedders.0.model.token_embedding.weight": (49408, 1280)} | VAE,
    "SDXL inpainting": behind(LDM, unet(2048, 10, 9, 2816)) | SDXL_ENCODERS | VAE,
    "SDXL instruct-pix2pix": behind(LDM, unet(2048, 10, 8, 2816)) | SDXL_ENCODERS | VAE,
    "SDXL with other input channels": behind(LDM, unet(2048, 10, 5, 2816)) | SDXL_ENCODERS,
    "SSD-1B": behind(LDM, unet(2048, 4, conditions=2816)) | SDXL_ENCODERS | VAE,
    "Segmind Vega": behind(LDM, unet(2048, 2, conditions=2816)) | SDXL_ENCODERS | VAE,
    "KOALA": behind(LDM, unet(2048, 5, conditions=2816)) | SDXL_ENCODERS | VAE,
    "Kolors": unet(2048, 10, conditions=5632),
    "Stable Video Diffusion": behind(LDM, unet(1024, 1, 8, 768)
    | names("input_blocks.1.1.time_stack.0.attn1.to_q.weight")),
    "AnimateDiff": behind(LDM, unet(768, 1)
    | names("input_blocks.1.1.motion_modules.0.attn1.to_q.weight")),
    "Kandinsky": names("down_blocks.1.attentions.0.add_k_proj.weight", "conv_in.weight"),
    "DeepFloyd IF": names("down_blocks.1.attentions.0.add_k_proj.weight",
                          "add_embedding.pool.positional_embedding"),
    "Stable Cascade": names("clip_txt_mapper.weight", "clf.1.weight",
                            "down_blocks.0.2.attention.attn.in_proj_weight"),
    "Stable Diffusion 3": behind(LDM, names(
        "joint_blocks.0.context_block.attn.qkv.weight", "joint_blocks.23.x_block.mlp.fc1.weight",
        "x_embedder.proj.weight", "context_embedder.weight", "pos_embed"))
    | names("text_encoders.clip_l.transformer.text_model.final_layer_norm.weight"),
    "Stable Diffusion 3.5 Large": names("joint_blocks.37.x_block.mlp.fc1.weight",
                                        "joint_blocks.0.context_block.attn.qkv.weight"),
    "FLUX.1": FLUX_BLOCKS | names("guidance_in.in_layer.weight"),
    "FLUX.1 schnell": behind(LDM, FLUX_BLOCKS),
    "FLUX.2": names("double_stream_modulation_img.lin.weight",
                    "double_blocks.0.img_attn.qkv.weight",
                    "single_stream_modulation.lin.weight", "img_in.weight", "txt_in.weight"),
    "Chroma": names("distilled_guidance_layer.in_proj.weight",
                    "double_blocks.0.img_attn.qkv.weight",
                    "single_blocks.0.linear1.weight",
                    "img_in.weight"),
    "Qwen-Image": names("txt_norm.weight", "img_in.weight", "proj_out.weight",
                        "transformer_blocks.0.img_mod.1.weight",
                        "transformer_blocks.0.attn.add_q_proj.weight"),
    "Z-Image": names("cap_embedder.1.weight", shape=(3840, 2560))
    | names("noise_refiner.0.attention.k_norm.weight", "layers.0.attention.qkv.weight",
            "context_refiner.0.attention.qkv.weight", "cap_pad_token"),
    "Lumina": names("cap_embedder.1.weight", shape=(2304, 2304))
    | names("noise_refiner.0.attention.k_norm.weight", "layers.0.attention.qkv.weight",
            "context_refiner.0.attention.qkv.weight"),
    "AuraFlow": names("double_layers.0.attn.w1q.weight", "cond_seq_linear.weight",
                      "single_layers.0.attn.w1q.weight", "positional_encoding"),
    "HiDream": names("caption_projection.0.linear.weight",
                     "double_stream_blocks.0.block.adaLN_modulation.1.bias"),
    "HunyuanDiT": names("mlp_t5.0.weight", "blocks.0.attn1.Wqkv.weight", "extra_embedder.0.weight"),
    "HunyuanVideo": names("img_in.proj.weight", shape=(3072, 16, 1, 2, 2))
    | names("txt_in.individual_token_refiner.blocks.0.norm1.weight", "vector_in.in_layer.weight",
            "double_blocks.0.img_attn_qkv.weight", "single_blocks.0.linear1.weight"),
    "HunyuanImage": names("img_in.proj.weight", shape=(3584, 64, 1, 1))
    | names("txt_in.individual_token_refiner.blocks.0.norm1.weight",
            "double_blocks.0.img_attn_qkv.weight"),
    "PixArt": names("t_block.1.weight", "y_embedder.y_embedding", "y_embedder.y_proj.fc1.weight",
                    "blocks.0.cross_attn.kv_linear.weight", "ar_embedder.mlp.0.weight"),
    "Sana": names("t_block.1.weight", "blocks.0.mlp.inverted_conv.conv.weight",
                  "blocks.0.cross_attn.kv_linear.weight", "attention_y_norm.weight"),
    "Wan": names("head.modulation", "patch_embedding.weight", "blocks.0.self_attn.q.weight",
                 "blocks.0.ffn.0.weight", "time_embedding.0.weight", "img_emb.proj.1.weight"),
    "LTX-Video": behind(LDM, names(
        "adaln_single.emb.timestep_embedder.linear_1.bias", "patchify_proj.weight",
        "transformer_blocks.0.attn2.to_k.weight", "caption_projection.linear_1.weight"))
    | names("vae.decoder.last_scale_shift_table"),
    "Mochi": names("t5_yproj.weight", "t5_y_embedder.to_kv.weight", "blocks.0.attn.qkv_x.weight"),
    "CogVideoX": names("patch_embed.text_proj.weight", "transformer_blocks.0.norm1.linear.weight",
                       "time_embedding.linear_1.weight"),
    "CogView": names("patch_embed.text_proj.weight", "transformer_blocks.0.norm1.linear.weight",
                     "time_condition_embed.timestep_embedder.linear_1.weight"),
    "Cosmos": behind("net.", names("blocks.block0.blocks.0.block.attn.to_q.0.weight",
                                   "x_embedder.proj.1.weight", "extra_pos_embedder.pos_emb_h")),
    "Anima": behind("net.", names("blocks.0.mlp.layer1.weight", "blocks.0.self_attn.q_proj.weight",
                                  "llm_adapter.blocks.0.cross_attn.q_proj.weight")),
    "Kandinsky 5": names("visual_transformer_blocks.0.cross_attention.key_norm.weight",
                         "visual_embeddings.in_layer.weight"),
    "OmniGen": names("time_caption_embed.timestep_embedder.linear_1.bias", "image_index_embedding",
                     "ref_image_refiner.0.attn.to_q.weight", "noise_refiner.0.attn.to_q.weight"),
    "Krea 2": names("txtfusion.projector.weight", "first.weight", "blocks.0.attn.wq.weight"),
    "Ideogram 4": names("embed_image_indicator.weight", "layers.0.attention.qkv.weight"),
    "an audio model": behind("model.model.", names("transformer.rotary_pos_emb.inv_freq",
                                                   "transformer.layers.0.self_attn.to_qkv.weight")),
    "a language model": names("model.layers.0.self_attn.q_proj.weight", "lm_head.weight",
                              "model.layers.0.mlp.gate_proj.weight"),
}  # fmt: skip
DIFFUSERS_NAMES = {
    "SDXL": {"conv_in.weight": (320, 4, 3, 3), "conv_out.weight": (4, 320, 3, 3),
             "add_embedding.linear_1.weight": (1280, 2816)}
    | {f"down_blocks.2.attentions.0.transformer_blocks.{n}.attn2.to_k.weight": (1280, 2048)
       for n in range(10)},
    "SDXL inpainting": {"conv_in.weight": (320, 9, 3, 3), "conv_out.weight": (4, 320, 3, 3),
                        "add_embedding.linear_1.weight": (1280, 2816),
                        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight":
                            (640, 2048)},
    "Kolors": {"encoder_hid_proj.weight": (2048, 4096),
               "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, 2048)},
    "SSD-1B": {f"down_blocks.2.attentions.0.transformer_blocks.{n}.attn2.to_k.weight": (1280, 2048)
               for n in range(4)},
    "FLUX.1": names("x_embedder.weight", "single_transformer_blocks.0.attn.to_q.weight",
                    "transformer_blocks.0.attn.add_k_proj.weight",
                    "time_text_embed.text_embedder.linear_1.weight",
                    "time_text_embed.guidance_embedder.linear_1.weight"),
    "Stable Diffusion 3": names("transformer_blocks.0.attn.to_q.weight", shape=(1536, 1536))
    | names("pos_embed.proj.weight", "time_text_embed.text_embedder.linear_1.weight"),
    "PixArt": names("adaln_single.emb.timestep_embedder.linear_1.bias", "pos_embed.proj.bias",
                    "transformer_blocks.0.attn1.to_q.weight"),
    "Lumina": names("time_caption_embed.timestep_embedder.linear_1.bias",
                    "noise_refiner.0.attn.to_q.weight", "context_refiner.0.attn.to_q.weight"),
    "Wan": names("condition_embedder.time_embedder.linear_1.weight", "scale_shift_table",
                 "blocks.0.attn2.add_k_proj.weight"),
    "Sana": names("time_embed.emb.timestep_embedder.linear_1.weight",
                  "transformer_blocks.0.ff.conv_inverted.weight"),
    "Z-Image": names("all_x_embedder.2-1.weight", "layers.0.attention.to_q.weight"),
    "Ovis-Image": names("context_embedder_norm.weight", "timestep_embedder.linear_1.weight",
                        "single_transformer_blocks.0.attn.to_q.weight"),
    "LongCat-Image or Bria": names("time_embed.timestep_embedder.linear_1.weight",
                                   "single_transformer_blocks.0.attn.to_q.weight"),
    "PRX": names("txt_in.weight", "time_in.in_layer.weight", "blocks.0.gate_proj.weight",
                 "blocks.0.attention.img_qkv_proj.weight"),
    "Kandinsky": names("add_time_condition.to_k.weight", "conv_in.weight",
                       "down_blocks.0.resnets_in.0.time_emb.weight"),
}  # fmt: skip
