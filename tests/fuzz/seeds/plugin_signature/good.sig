busbar-signature: 1
key: 6b433815a3b79feb
plugin: rest
sha256: 862d677e1c87cec5eefde8fad8e5ef5dab60abd3a63469e18c4fcd5ef2ab0683
size: 38016
signed-at: 2026-11-21T11:48:33.299Z
signature: hTvNUkibLskMYSv3/iEg6PXFrpuMKwadXIvxdqrZZ05TbE/jc6BiZ2BsiF1zjNjwMlQAbeixpPjzSONj21KXBA==
